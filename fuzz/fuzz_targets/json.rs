//! A body of JSON, under rules of every sort: what is stored is JSON again, and without the
//! canary, which every input ends with under a sensitive name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use tower_audit_fuzz::{CANARY, stored};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let kept = stored("application/json", bytes);
    if !kept.is_empty() && !kept.starts_with("[application/json") {
        serde_json::from_str::<IgnoredAny>(&kept).expect("what is stored is JSON");
    }
    // Where serde_json reads it, so do we, and the secret is found in whatever surrounds it.
    if serde_json::from_str::<Value>(&text).is_ok() {
        let whole = format!(
            r#"{{"a":{text},"password":"{CANARY}","b":[{text},{{"token":["{CANARY}"]}}]}}"#
        );
        for end in [whole.len(), whole.len() / 2, whole.len() - 1] {
            let kept = stored("application/json", &whole.as_bytes()[..end]);
            assert!(!kept.contains(CANARY), "{kept}");
        }
    }
});
