//! A body in a content coding: what comes out stays within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_audit::testing::decode_body;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

fuzz_target!(|bytes: &[u8]| {
    let Some((limit, encoded)) = bytes.split_first_chunk() else {
        return;
    };
    let limit = usize::from(u16::from_le_bytes(*limit));
    for coding in CODINGS {
        // A panic is caught where it happens, but not before the fuzzer has seen it.
        let Some(decoded) = decode_body(coding, encoded, limit) else {
            continue;
        };
        assert!(!decoded.is_empty() && decoded.len() <= limit);
        // A smaller limit shows the start of the same.
        let start = decode_body(coding, encoded, limit / 2).unwrap_or_default();
        assert!(start.len() <= limit / 2 && decoded.starts_with(&start));
    }
});
