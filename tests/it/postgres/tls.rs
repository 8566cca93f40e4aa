//! `sslmode` as libpq means it, against a server with a certificate for `localhost`.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_audit::PostgresStore;

use super::cluster::OWN;
use super::fixture::schema;

async fn connect(host: &str, query: &str) -> Result<(), tower_audit::Error> {
    let port = OWN.port();
    let url = format!("postgres://secured:hunter2@{host}:{port}/postgres?{query}");
    let builder = PostgresStore::builder(&url).schema(&schema());
    builder.connect().await.map(drop)
}

fn roots(path: &Path) -> String {
    format!("sslrootcert={}", path.display())
}

#[tokio::test]
async fn modes_that_may_encrypt_get_in_where_encryption_is_a_must() {
    for mode in ["allow", "prefer", "require"] {
        connect("127.0.0.1", &format!("sslmode={mode}"))
            .await
            .expect(mode);
    }
}

#[tokio::test]
async fn without_encryption_the_server_refuses() {
    let error = connect("127.0.0.1", "sslmode=disable").await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    let text = error.to_string();
    assert!(text.contains("28000") && text.contains("secured"), "{text}");
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn the_whole_check_takes_the_right_authority_and_the_right_host_only() {
    let (right, wrong) = (roots(&OWN.authority()), roots(&OWN.other_authority()));
    let full = |roots: &str| format!("sslmode=verify-full&{roots}");
    connect("localhost", &full(&right)).await.unwrap();
    for (host, roots) in [("127.0.0.1", &right), ("localhost", &wrong)] {
        let error = connect(host, &full(roots)).await.unwrap_err();
        assert_eq!(error.code(), "configuration");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    // The operating system does not know the authority.
    connect("localhost", "sslmode=verify-full")
        .await
        .unwrap_err();
}

#[tokio::test]
async fn the_check_of_the_authority_takes_any_host() {
    let (right, wrong) = (roots(&OWN.authority()), roots(&OWN.other_authority()));
    for mode in ["require", "verify-ca"] {
        connect("127.0.0.1", &format!("sslmode={mode}&{right}"))
            .await
            .expect(mode);
        connect("127.0.0.1", &format!("sslmode={mode}&{wrong}"))
            .await
            .expect_err(mode);
    }
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let nothing = Path::new("/nowhere/authority.pem");
    let query = format!("sslmode=verify-full&{}", roots(nothing));
    let error = connect("localhost", &query).await.unwrap_err();
    assert_eq!(error.code(), "configuration");
    assert!(
        error.to_string().contains("/nowhere/authority.pem"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_is_refused_where_encryption_is_asked_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        // Nothing else may come before the client hangs up: no name, no password.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let url = format!("postgres://app:hunter2@127.0.0.1:{port}/app?sslmode=require");
    let (outcome, rest) = tokio::join!(PostgresStore::connect(&url), server);
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), "configuration");
    assert!(
        error.to_string().contains("does not support TLS"),
        "{error}"
    );
    assert!(rest.is_empty());
}
