//! What all targets share.

use std::sync::LazyLock;

use http::{Request, Response};
use tower_audit::{Auditor, MemoryStore, Sanitizer, Strategy};

/// A secret that no input holds by chance.
pub const CANARY: &str = "kanarievogel";

/// A trail with rules of every sort.
pub fn auditor() -> &'static Auditor {
    static AUDITOR: LazyLock<Auditor> = LazyLock::new(|| {
        let rules = Sanitizer::builder()
            .name("email", Strategy::Pseudonym)
            .name("gone", Strategy::Remove)
            .path("$.a.b", Strategy::Shape)
            .path("$..c[*]", Strategy::Remove)
            .path("$.*.d", Strategy::Partial(2))
            .pattern("x+y", Strategy::Remove)
            .pseudonym_key("k1", [7; 32]);
        let builder = Auditor::builder()
            .store(MemoryStore::new())
            .sanitizer(rules.build().expect("valid rules"))
            .trust_proxies(["10.0.0.0/8"])
            .expect("a network");
        builder.build().expect("valid settings").0
    });
    &AUDITOR
}

/// What is stored of a request's body.
pub fn stored(content_type: &str, body: &[u8]) -> String {
    let request = Request::post("/")
        .header("content-type", content_type)
        .body(body.to_vec())
        .expect("a valid request");
    let record = auditor().preview(request, Response::new(""));
    record.request_body.clone().unwrap_or_default()
}
