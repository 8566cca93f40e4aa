//! Connecting, and what is said when it fails.

use std::net::TcpListener;

use tower_audit::PostgresStore;

use super::cluster::OWN;
use super::fixture::shown;

async fn refusal(url: &str) -> tower_audit::Error {
    let error = PostgresStore::connect(url).await.expect_err(url);
    assert!(!shown(&error).contains("hunter2"), "{error:?}");
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
    error
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = refusal(&format!("postgres://app:hunter2@127.0.0.1:{port}/app")).await;
    assert!(error.is_transient());
    let place = format!("cannot reach the database server at 127.0.0.1:{port}");
    assert!(error.to_string().starts_with(&place), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_named() {
    let error = refusal("postgres://app:hunter2@db.invalid:5432/app").await;
    assert!(error.is_transient());
    assert!(error.to_string().contains("db.invalid:5432"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_names_user_and_server() {
    let port = OWN.port();
    let error = refusal(&format!(
        "postgres://locked:hunter2@127.0.0.1:{port}/postgres"
    ))
    .await;
    assert_eq!(error.code(), "configuration");
    assert_eq!(
        error.to_string(),
        format!(
            "the database server at 127.0.0.1:{port} refuses the password of user locked (SQLSTATE 28P01)"
        )
    );
}

#[tokio::test]
async fn a_missing_password_is_a_matter_of_configuration() {
    let port = OWN.port();
    let error = refusal(&format!("postgres://locked@127.0.0.1:{port}/postgres")).await;
    assert_eq!(error.code(), "configuration");
    assert!(error.to_string().contains("password missing"), "{error}");
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let port = OWN.port();
    let error = refusal(&format!(
        "postgres://postgres:hunter2@127.0.0.1:{port}/nowhere"
    ))
    .await;
    assert_eq!(error.code(), "configuration");
    let text = error.to_string();
    assert!(
        text.contains("has no database nowhere") && text.contains("3D000"),
        "{text}"
    );
}

#[tokio::test]
async fn a_broken_url_is_one_sentence() {
    for url in [
        "hunter2",
        "postgres://app:hunter2@db:port/app",
        "postgres://app:hunter2@db/app?sslmode=maybe",
    ] {
        assert_eq!(refusal(url).await.code(), "configuration");
    }
    let error = refusal("postgres://app:hunter2@db/app?sslmode=maybe").await;
    assert!(error.to_string().contains("verify-full"), "{error}");
}

#[tokio::test]
async fn pairs_and_sockets_are_understood() {
    let (socket, port) = (OWN.socket().display(), OWN.port());
    let schema = super::fixture::schema();
    for url in [
        format!("host={socket} port={port} user=postgres dbname=postgres sslmode=require"),
        format!("postgres:///postgres?host={socket}&port={port}&user=postgres"),
        format!("postgresql://postgres@127.0.0.1:{port}/postgres?application_name=mine"),
    ] {
        let builder = PostgresStore::builder(&url).schema(&schema);
        builder.connect().await.expect(&url);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    // Connections are accepted by the kernel, and nobody ever reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://app:hunter2@127.0.0.1:{port}/app");
    let error = PostgresStore::connect(&url).await.unwrap_err();
    assert!(error.is_transient());
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
}
