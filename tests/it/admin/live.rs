//! The end of the trail, as it grows.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};

use super::*;

/// What a client hears.
struct Listener {
    body: BodyDataStream,
}

impl Listener {
    async fn open(router: &Router, query: &str, last: Option<EventId>) -> Self {
        let mut request = Request::get(format!("/api/live?{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body().into_data_stream();
        let mut listener = Self { body };
        assert_eq!(listener.next().await.as_deref(), Some("retry: 5000\n\n"));
        listener
    }

    /// The next part, or `None` if the connection breaks.
    async fn next(&mut self) -> Option<String> {
        let part = self
            .body
            .next()
            .await
            .expect("a stream without an end")
            .ok()?;
        Some(String::from_utf8(part.to_vec()).unwrap())
    }

    /// The ids of the next part that is not a heartbeat.
    async fn ids(&mut self) -> Vec<String> {
        loop {
            let part = self.next().await.expect("the connection broke");
            if part != ":\n\n" {
                let ids = part.lines().filter_map(|line| line.strip_prefix("id: "));
                return ids.map(str::to_owned).collect();
            }
        }
    }
}

/// A record of `seconds` ago.
fn ago(seconds: u64, action: &'static str) -> Record {
    let at = Timestamp::now().minus(Duration::from_secs(seconds));
    record(at, &[("action", text(action))])
}

async fn append(store: &MemoryStore, records: &[&Record]) {
    let records = records.iter().map(|record| (*record).clone()).collect();
    store.append(&Batch::new(records)).await.unwrap();
}

fn ids(records: &[&Record]) -> Vec<String> {
    records.iter().map(|record| record.id.to_string()).collect()
}

#[tokio::test]
async fn new_records_are_told_as_lists_show_them() {
    let store = store_of(vec![ago(5, "before")]).await;
    let router = open(&store);
    let mut listener = Listener::open(&router, "", None).await;
    let new = ago(0, "new");
    append(&store, &[&new]).await;
    let part = listener.next().await.unwrap();
    let (id, data) = part.split_once('\n').unwrap();
    assert_eq!(id, format!("id: {}", new.id));
    let data = data
        .strip_prefix("data: ")
        .unwrap()
        .strip_suffix("\n\n")
        .unwrap();
    let data: Json = serde_json::from_str(data).unwrap();
    let list = get(&router, "/api/events?action=new").await.json();
    assert_eq!(data, list["items"][0]);
}

#[tokio::test]
async fn records_are_told_once_in_whichever_order_they_are_stored() {
    let store = MemoryStore::new();
    let mut listener = Listener::open(&open(&store), "", None).await;
    for seconds in [0, 1, 60, 3_600, 7_200] {
        let record = ago(seconds, "a");
        append(&store, &[&record]).await;
        assert_eq!(listener.ids().await, ids(&[&record]));
    }
    // The span from the first of these to the last holds what was told before.
    let of = |millis| {
        let at = Timestamp::now().minus(Duration::from_millis(millis));
        record(at, &[("action", text("b"))])
    };
    let [before, told, after] = [9_400, 9_250, 9_100].map(of);
    append(&store, &[&told]).await;
    assert_eq!(listener.ids().await, ids(&[&told]));
    append(&store, &[&before, &after]).await;
    assert_eq!(listener.ids().await, ids(&[&before, &after]));
}

#[tokio::test]
async fn only_what_passes_the_filter_is_told() {
    let store = MemoryStore::new();
    let mut listener = Listener::open(&open(&store), "action=b", None).await;
    let (other, wanted) = (ago(0, "a"), ago(0, "b"));
    append(&store, &[&other]).await;
    append(&store, &[&wanted]).await;
    assert_eq!(listener.ids().await, ids(&[&wanted]));
}

#[tokio::test]
async fn who_comes_back_is_told_what_came_meanwhile() {
    let store = MemoryStore::new();
    let (old, last, late, new) = (ago(90, "a"), ago(45, "b"), ago(60, "c"), ago(10, "d"));
    append(&store, &[&old, &last, &late, &new]).await;
    let router = open(&store);
    let mut listener = Listener::open(&router, "", Some(last.id)).await;
    // Those of 30 seconds before the last one are told again.
    assert_eq!(listener.ids().await, ids(&[&late, &last, &new]));
    let next = ago(0, "e");
    append(&store, &[&next]).await;
    assert_eq!(listener.ids().await, ids(&[&next]));
}

#[tokio::test(start_paused = true)]
async fn there_is_a_heartbeat_every_fifteen_seconds() {
    let store = MemoryStore::new();
    let mut listener = Listener::open(&open(&store), "", None).await;
    for _ in 0..3 {
        let started = tokio::time::Instant::now();
        assert_eq!(listener.next().await.as_deref(), Some(":\n\n"));
        assert_eq!(started.elapsed().as_secs(), 15);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_loses_the_connection() {
    let store = MemoryStore::new();
    let mut listener = Listener::open(&open(&store), "", None).await;
    for _ in 0..5 {
        append(&store, &[&ago(0, "a")]).await;
        sleep(Duration::from_secs(1)).await;
    }
    sleep(Duration::from_secs(11)).await;
    let mut parts = 0;
    while listener.next().await.is_some() {
        parts += 1;
    }
    assert!(parts <= 3, "{parts} parts were kept for nobody");
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let router = open(&MemoryStore::new());
    get(&router, "/api/live?limit=5").await.problem(400);
    get(&router, "/api/live?status=nonsense").await.problem(400);
    let request = Request::get("/api/live").header("last-event-id", "nonsense");
    send(&router, request.body(Body::empty()).unwrap())
        .await
        .problem(400);
    let broken = Broken(|| Error::unavailable("gone"));
    let broken = admin::router(Arc::new(broken), OpenToEveryone::dangerously());
    get(&broken, "/api/live").await.problem(503);
}

#[tokio::test]
async fn no_more_clients_than_can_be_served_may_listen() {
    let router = open(&MemoryStore::new());
    let mut listeners = Vec::new();
    for _ in 0..32 {
        listeners.push(Listener::open(&router, "", None).await);
    }
    get(&router, "/api/live").await.problem(503);
    listeners.pop();
    // The task of the one that left may take a moment to notice.
    let again = async {
        let status = async || {
            let request = Request::get("/api/live").body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap().status()
        };
        while status().await != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), again).await.unwrap();
}
