//! Searching over HTTP.

use super::{get, open, three};

#[tokio::test]
async fn a_search_finds_words_by_their_start() {
    let router = open(&three().await);
    for (query, expected) in [
        ("q=orders", &["b", "a"][..]),
        ("q=ORD", &["b", "a"]),
        ("q=7+orders", &["a"]),
        ("q=%2Forders%2F7", &["a"]),
        ("q=%C3%9C", &[]),
        ("q=orders&status=408", &["b"]),
        ("q=rders", &[]),
        ("q=!7", &["a"]),
    ] {
        let answer = get(&router, &format!("/api/events?{query}")).await;
        assert_eq!(answer.actions(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_without_a_word_is_refused() {
    let router = open(&three().await);
    let long = format!("q={}", "x".repeat(257));
    for query in ["q", "q=", "q=%00", "q=%22*%22", "q=+", &long] {
        let answer = get(&router, &format!("/api/events?{query}")).await;
        let detail = answer.problem(400);
        assert!(
            detail.contains("`q` takes the words to search for"),
            "{detail}"
        );
        assert_eq!(answer.json()["parameter"], "q");
    }
    let twice = get(&router, "/api/events?q=a&q=b").await.problem(400);
    assert!(twice.contains("`q` can be given only once"), "{twice}");
}
