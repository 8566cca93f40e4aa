//! Many requests, and large ones.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::program::Quickstart;
use crate::postgres::cluster;

const CLIENTS: usize = 100;
const REQUESTS: usize = 50_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_lose_and_duplicate_nothing_in_sqlite() {
    many_clients(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_lose_and_duplicate_nothing_in_postgres() {
    let url = cluster::own_database("quickstart_load").await;
    many_clients(Some(&url)).await;
}

async fn many_clients(url: Option<&str>) {
    let app = Arc::new(Quickstart::start(url));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                for request in 0..REQUESTS / CLIENTS {
                    let (status, _) = app.get(&format!("/orders/{client}?n={request}")).await;
                    assert_eq!(status, StatusCode::NOT_FOUND);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let ids = all_ids(&app).await;
    assert_eq!(ids.len(), REQUESTS);
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), REQUESTS, "no id twice");
    let app = Arc::into_inner(app).unwrap();
    let expected =
        format!("offered={REQUESTS} stored={REQUESTS} quarantined=0 dropped=0 pending=0");
    assert_eq!(app.stop().last_line, expected);
}

/// The ids of all records, page by page, once the newest of them has been there for a batch's time.
async fn all_ids(app: &Quickstart) -> Vec<String> {
    loop {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.trail(&format!("/events?limit=500{cursor}")).await;
            let items = page["items"].as_array().unwrap();
            ids.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if ids.len() >= REQUESTS {
            return ids;
        }
    }
}

#[cfg(target_os = "linux")] // memory is read off /proc
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_upload_moves_no_memory_beyond_the_caps() {
    const MEGABYTES: usize = 200;
    let app = Quickstart::start(None);
    // Whatever a first request makes the program allocate once.
    app.json("POST", "/echo", r#"{"a":1}"#).await;
    let before = app.memory("VmHWM");
    let (mut reader, mut writer) = TcpStream::connect(app.address).await.unwrap().into_split();
    let reading = tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 20];
        let mut total = 0;
        loop {
            match reader.read(&mut buffer).await.unwrap() {
                0 => return total,
                read => total += read,
            }
        }
    });
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        MEGABYTES << 20
    );
    writer.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'['; 1 << 20];
    for _ in 0..MEGABYTES {
        writer.write_all(&piece).await.unwrap();
    }
    assert!(
        reading.await.unwrap() > MEGABYTES << 20,
        "all of it came back"
    );
    let grown = app.memory("VmHWM").saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB");
    let record = &app.records("path=/echo", 2).await[1];
    assert_eq!(record["request_bytes"], MEGABYTES << 20);
    assert_eq!(record["response_bytes"], MEGABYTES << 20);
    assert_eq!(
        (&record["request_truncated"], &record["response_truncated"]),
        (&true.into(), &true.into())
    );
}
