//! A form with files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_audit_fuzz::{CANARY, stored};

fuzz_target!(|bytes: &[u8]| {
    const TYPE: &str = "multipart/form-data; boundary=b";
    let secret = format!(
        "\r\n--b\r\ncontent-disposition: form-data; name=\"password\"\r\n\r\n{CANARY}\r\n--b--"
    );
    for body in [bytes.to_vec(), [b"--b\r\n", bytes].concat()] {
        let kept = stored(TYPE, &body);
        if !kept.is_empty() && !kept.starts_with("[multipart/") {
            serde_json::from_str::<Value>(&kept).expect("what is stored is JSON");
        }
        let kept = stored(TYPE, &[&body, secret.as_bytes()].concat());
        // Inside of a part that has no end, the rest is that part's value.
        if !bytes.windows(3).any(|window| window == b"--b")
            && kept.contains("\"name\":\"password\"")
        {
            assert!(!kept.contains(CANARY), "{kept}");
        }
    }
});
