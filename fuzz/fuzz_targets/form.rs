//! A form, and the same bytes as a query.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_audit_fuzz::{CANARY, auditor, stored};

fuzz_target!(|bytes: &[u8]| {
    const FORM: &str = "application/x-www-form-urlencoded";
    stored(FORM, bytes);
    let form = [bytes, b"&password=", CANARY.as_bytes()].concat();
    let kept = stored(FORM, &form);
    assert!(!kept.contains(CANARY), "{kept}");
    let query: String = bytes
        .iter()
        .filter(|byte| byte.is_ascii_graphic())
        .map(|byte| char::from(*byte))
        .collect();
    let target = format!("/a?{query}&password={CANARY}");
    if let Ok(request) = http::Request::get(target.replace('#', "")).body("") {
        let record = auditor().preview(request, http::Response::new(""));
        let kept = record.query.as_deref().unwrap_or_default();
        assert!(!kept.contains(CANARY), "{kept}");
    }
});
