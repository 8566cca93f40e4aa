//! What proxies say of the client: an address that nobody trusted has said is never taken.
#![no_main]

use std::net::IpAddr;

use http::{HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use tower_audit::PeerAddr;
use tower_audit_fuzz::auditor;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let record_from = |peer: &str, value: &HeaderValue, appended: Option<&str>| {
        let mut request = Request::get("/").header("x-forwarded-for", value);
        if let Some(appended) = appended {
            request = request.header("x-forwarded-for", appended);
        }
        let peer: IpAddr = peer.parse().expect("an address");
        let request = request
            .extension(PeerAddr((peer, 1).into()))
            .body("")
            .expect("a valid request");
        auditor().preview(request, Response::new("")).client_ip
    };
    let client = |text: &str| text.parse::<IpAddr>().ok();
    // From outside, the header says nothing; behind a proxy, what the proxy has added says all.
    assert_eq!(record_from("192.0.2.1", &value, None), client("192.0.2.1"));
    assert_eq!(
        record_from("10.0.0.1", &value, Some("192.0.2.7")),
        client("192.0.2.7")
    );
    record_from("10.0.0.1", &value, None);
});
