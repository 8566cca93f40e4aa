//! What would be stored of sample requests under your rules, without storing anything:
//!
//! ```sh
//! cargo run --example preview
//! cargo run --example preview -- application/json '{"user":"ada","password":"open sesame"}'
//! ```
//!
//! Put your own rules into `rules`, and run it over what your clients send.
#![allow(clippy::print_stdout)]

use std::error::Error;

use http::{Request, Response};
use tower_audit::{Auditor, MemoryStore, Sanitizer, Strategy};

/// The rules to be checked.
fn rules() -> Result<Sanitizer, tower_audit::Error> {
    Sanitizer::builder()
        .deny("tax_number")
        .name("email", Strategy::Pseudonym)
        .path("$.card.number", Strategy::Partial(4))
        .pattern(r"\bCUST-\d{6}\b", Strategy::Mask)
        // In a service it comes from where its other secrets are.
        .pseudonym_key("k1", b"a key that only this example uses")
        .build()
}

const SAMPLES: &[(&str, &str)] = &[
    (
        "application/json",
        r#"{"user":"ada","password":"open sesame","email":"ada@example.com"}"#,
    ),
    (
        "application/json",
        r#"{"card":{"number":"4111111111111111","pin":1234},"note":"for CUST-123456"}"#,
    ),
    (
        "application/x-www-form-urlencoded",
        "user=ada&taxNumber=12345&page=2",
    ),
    ("text/plain", "anything else leaves its type and size"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let (auditor, _) = Auditor::builder()
        .store(MemoryStore::new())
        .sanitizer(rules()?)
        .build()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => SAMPLES
            .iter()
            .try_for_each(|(content_type, body)| show(&auditor, content_type, body)),
        [content_type, body] => show(&auditor, content_type, body),
        _ => Err("pass a content type and a body, or nothing".into()),
    }
}

fn show(auditor: &Auditor, content_type: &str, body: &str) -> Result<(), Box<dyn Error>> {
    let request = Request::post("/sample")
        .header("content-type", content_type)
        .body(body.to_owned())?;
    let record = auditor.preview(request, Response::new(""));
    println!("{content_type}");
    println!("  sent    {body}");
    println!(
        "  stored  {}",
        record.request_body.as_deref().unwrap_or("nothing")
    );
    Ok(())
}
