//! `sslmode` as libpq means it, against a server with a certificate for `localhost`.

use std::path::Path;

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
