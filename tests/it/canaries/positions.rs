//! Every place where a secret may stand. A new one is a line in the table.

use std::io::Write;

use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::CompressionLevel;
use ruzstd::encoding::compress_to_vec;
use serde_json::json;
use tower_audit::Actor;
use tower_audit::AuditContext;
use tower_audit::Change;

use super::FINCH;

pub(super) struct Position {
    pub(super) name: &'static str,
    pub(super) act: Act,
}

/// How a canary gets into the trail's way.
pub(super) enum Act {
    /// The client sends it.
    Send(fn(&str) -> Sent),
    /// The same, with a body that ends after each of its bytes.
    SendCut(fn(&str) -> Sent),
    /// The client sends it beside a mark, which has to be found.
    SendMarked(fn(&str, &str) -> Sent),
    /// The handler says it.
    Say(for<'a> fn(&'a AuditContext, &str) -> &'a AuditContext),
    /// The handler answers with it.
    Answer(fn(&str) -> Response<Body>),
}

/// What a client sends, besides the usual.
#[derive(Default)]
pub(super) struct Sent {
    /// What follows the path.
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Position {
    /// The canary of the position with this number.
    pub(super) fn canary(&self, number: usize) -> String {
        if self.name.ends_with("as a number") {
            return format!("70070{number:04}70078");
        }
        format!("kanarie{number:03}vogel")
    }

    /// What has to be found of the position with this number, if its body is to be read.
    pub(super) fn mark(&self, number: usize) -> Option<String> {
        matches!(self.act, Act::SendMarked(_)).then(|| mark(number))
    }

    /// What goes over the wire.
    pub(super) fn requests(&self, number: usize, canary: &str) -> Vec<Vec<u8>> {
        match self.act {
            Act::Send(send) => {
                let sent = send(canary);
                vec![sent.raw(number, sent.body.len())]
            }
            Act::SendMarked(send) => {
                let sent = send(canary, &mark(number));
                vec![sent.raw(number, sent.body.len())]
            }
            Act::SendCut(send) => {
                let sent = send(canary);
                (0..=sent.body.len())
                    .map(|end| sent.raw(number, end))
                    .collect()
            }
            Act::Say(_) | Act::Answer(_) => vec![Sent::default().raw(number, 0)],
        }
    }
}

fn mark(number: usize) -> String {
    format!("zeisig{number:03}feder")
}

impl Sent {
    fn raw(&self, number: usize, end: usize) -> Vec<u8> {
        let target = match self.target.strip_prefix("absolute:") {
            Some(url) => url.to_owned(),
            None => format!("/{FINCH}/{number}{}", self.target),
        };
        let mut head = format!(
            "POST {target} HTTP/1.1\r\nhost: host\r\nconnection: close\r\nx-position: {number}\r\ncontent-length: {}\r\n",
            end
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        [head.as_bytes(), b"\r\n", &self.body[..end]].concat()
    }
}

fn header(name: &'static str, value: impl Into<String>) -> Sent {
    Sent {
        headers: vec![(name, value.into())],
        ..Sent::default()
    }
}

fn target(target: impl Into<String>) -> Sent {
    Sent {
        target: target.into(),
        ..Sent::default()
    }
}

fn body(content_type: &str, body: impl Into<Vec<u8>>) -> Sent {
    Sent {
        headers: vec![("content-type", content_type.to_owned())],
        body: body.into(),
        ..Sent::default()
    }
}

fn json_body(text: impl Into<Vec<u8>>) -> Sent {
    body("application/json", text)
}

fn form(text: impl Into<Vec<u8>>) -> Sent {
    body("application/x-www-form-urlencoded", text)
}

/// The same in a content coding, in several blocks if it is long.
fn encoded(coding: &str, mut sent: Sent) -> Sent {
    let plain = &sent.body[..];
    let write_to = |encoder: &mut dyn Write| {
        for block in plain.chunks(4096) {
            encoder.write_all(block).unwrap();
            encoder.flush().unwrap();
        }
    };
    sent.body = match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            write_to(&mut encoder);
            encoder.finish().unwrap()
        }
        "br" => {
            let mut encoder = CompressorWriter::new(Vec::new(), 4096, 5, 22);
            write_to(&mut encoder);
            encoder.into_inner()
        }
        // Its blocks have 128 KiB.
        "zstd" => compress_to_vec(plain, CompressionLevel::Fastest),
        _ => unreachable!("{coding}"),
    };
    sent.headers.push(("content-encoding", coding.to_owned()));
    sent
}

/// Without its second half.
fn halved(mut sent: Sent) -> Sent {
    sent.body.truncate(sent.body.len() / 2);
    sent
}

/// Of several blocks in every coding.
fn long_json(canary: &str, mark: &str) -> Sent {
    let words = "words ".repeat(60_000);
    json_body(json!({"a": mark, "password": canary, "b": words}).to_string())
}

fn long_form(canary: &str, mark: &str) -> Sent {
    let words = "words+".repeat(60_000);
    form(format!("a={mark}&password={canary}&b={words}"))
}

fn multipart(part: &str) -> Sent {
    body(
        "multipart/form-data; boundary=bound",
        format!("--bound\r\n{part}\r\n--bound--\r\n"),
    )
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn jwt(canary: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"{canary}\"}}"));
    format!("eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl")
}

fn pem(canary: &str) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----")
}

fn answer(name: &str, value: impl AsRef<[u8]>) -> Response<Body> {
    Response::builder()
        .header(name, value.as_ref())
        .body(Body::empty())
        .unwrap()
}

fn answer_body(status: u16, content_type: &str, body: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(Body::from(body))
        .unwrap()
}

macro_rules! positions {
    ($($act:ident $name:literal $make:expr;)*) => {
        &[$(Position { name: $name, act: Act::$act($make) }),*]
    };
}

pub(super) const POSITIONS: &[Position] = positions! {
    // Headers and cookies.
    Send "authorization, bearer" |c| header("authorization", format!("Bearer {c}"));
    Send "authorization, basic" |c| header("authorization", format!("Basic {}", STANDARD.encode(format!("u:{c}"))));
    Send "authorization, digest" |c| header("authorization", format!("Digest username=\"u\", response=\"{c}\""));
    Send "a header of no list" |c| header("x-anything", c);
    Send "the name of a header" |c| Sent { headers: vec![(Box::leak(format!("x-{c}").into_boxed_str()), "1".into())], ..Sent::default() };
    Send "a cookie" |c| header("cookie", format!("theme=dark; session={c}"));
    Send "a cookie without a name" |c| header("cookie", c);
    Send "a token in the user agent" |c| header("user-agent", format!("app/1 (Bearer {c})"));
    Send "a pair in a header that is kept" |c| header("x-request-id", format!("token={c}"));
    Send "the password of a referer" |c| header("referer", format!("https://user:{c}@host/"));
    Send "the query of a referer" |c| header("referer", format!("https://host/?a=1&access_token={c}"));
    Send "the fragment of a referer" |c| header("referer", format!("https://host/#id_token={c}"));
    Send "the origin" |c| header("origin", format!("https://user:{c}@host"));
    Send "json in a header" |c| header("prefer", format!("{{\"password\":\"{c}\"}}"));
    Send "a name of a content type" |c| body(&format!("text/plain; password={c}"), "x");
    Send "a content encoding" |c| Sent { headers: vec![("content-type", "application/json".into()), ("content-encoding", format!("token={c}"))], body: b"{}".to_vec(), ..Sent::default() };
    // The target.
    Send "a query" |c| target(format!("?a=1&api_key={c}&b=2"));
    Send "a query, percent-encoded" |c| target(format!("?p%61ssword={}", percent(c)));
    Send "a query, encoded twice" |c| target(format!("?next=%252Flogin%253Ftoken%253D{c}"));
    Send "a query with a plus" |c| target(format!("?api+key={c}"));
    Send "a query with brackets" |c| target(format!("?user%5Bpassword%5D={c}"));
    Send "a query with json in it" |c| target(format!("?filter=%7B%22password%22%3A%22{c}%22%7D"));
    Send "a query with a url in it" |c| target(format!("?next=https%3A%2F%2Fuser%3A{c}%40host%2F"));
    Send "a query without a name" |c| target(format!("?{}", jwt(c)));
    Send "a matrix parameter" |c| target(format!(";jsessionid={c}"));
    Send "a jwt in the path" |c| target(format!("/reset/{}", jwt(c)));
    Send "a key in the path" |c| target(format!("/hook/ghp_{c}0123456789"));
    Send "a pair in the path" |c| target(format!("/password%3D{c}/x"));
    Send "the password of an absolute target" |c| target(format!("absolute:http://user:{c}@host/{FINCH}"));
    // JSON.
    SendCut "json" |c| json_body(format!("{{\"a\":1,\"Api-Key\":\"{c}\",\"b\":[1]}}"));
    SendCut "json, nested" |c| json_body(format!("{{\"a\":{{\"b\":[{{\"secret\":{{\"x\":[\"{c}\"]}}}}]}}}}"));
    Send "json, in an array at the top" |c| json_body(format!("[{{\"password\":\"{c}\"}}]"));
    Send "json, a string at the top" |c| json_body(format!("\"{c}\""));
    Send "json, twice the same name" |c| json_body(format!("{{\"password\":\"x\",\"password\":\"{c}\"}}"));
    Send "json, an escaped name" |c| json_body(format!("{{\"pass\\u0077ord\":\"{c}\"}}"));
    Send "json, another case" |c| json_body(format!("{{\"PassWord\":\"{c}\",\"API_KEY\":\"{c}\"}}"));
    Send "json, the secret as a number" |c| json_body(format!("{{\"pin\":{c}}}"));
    Send "json, a number at the top, as a number" |c| json_body(c);
    Send "json, a number that no type holds, as a number" |c| json_body(format!("{{\"pin\":{c}e400}}"));
    Send "json, an object under the name" |c| json_body(format!("{{\"credentials\":{{\"user\":\"{c}\"}}}}"));
    Send "json, an array under the name" |c| json_body(format!("{{\"tokens\":[\"{c}\",[\"{c}\"]]}}"));
    Send "json, the secret as a name" |c| json_body(format!("{{\"tokens\":{{\"{c}\":true}}}}"));
    Send "json, a token as a name" |c| json_body(format!("{{\"{}\":true}}", jwt(c)));
    Send "json, in a string" |c| json_body(json!({"a": format!("{{\"password\":\"{c}\"}}")}).to_string());
    Send "json, in a string in a string" |c| json_body(json!({"a": json!({"b": json!({"password": c}).to_string()}).to_string()}).to_string());
    Send "json, in base64 in a string" |c| json_body(json!({"a": STANDARD.encode(json!({"password": c}).to_string())}).to_string());
    Send "json, a jwt" |c| json_body(json!({"a": format!("see {}", jwt(c))}).to_string());
    Send "json, a private key" |c| json_body(json!({"a": pem(c)}).to_string());
    Send "json, a private key that breaks off" |c| json_body(json!({"a": &pem(c)[..50]}).to_string());
    Send "json, a url" |c| json_body(json!({"a": format!("postgres://u:{c}@h/db")}).to_string());
    Send "json, a connection string" |c| json_body(json!({"a": format!("Server=h;Password={c};")}).to_string());
    Send "json, a query" |c| json_body(json!({"a": format!("/x?a=1&token={c}")}).to_string());
    Send "json, a link in a link" |c| json_body(json!({"a": format!("/x?next=%2Fy%3Ftoken%3D{c}")}).to_string());
    Send "json, json, percent-encoded" |c| json_body(json!({"a": percent(&json!({"password": c}).to_string())}).to_string());
    Send "json, a form in a string in a string" |c| json_body(json!({"a": json!({"b": percent(&format!("token={c}"))}).to_string()}).to_string());
    Send "json, variables of graphql" |c| json_body(json!({"query": "mutation($p:String!){login(p:$p)}", "variables": {"password": c}}).to_string());
    Send "json, an argument of graphql" |c| json_body(json!({"query": format!("mutation{{login(password:\"{c}\")}}")}).to_string());
    Send "json, after a byte order mark" |c| json_body(format!("\u{feff}{{\"password\":\"{c}\"}}"));
    Send "json, after half a surrogate pair" |c| json_body(format!("{{\"a\":\"\\ud800\",\"password\":\"\\udc00{c}\"}}"));
    Send "json, after a byte that is no text" |c| json_body([b"{\"a\":\"\xff\",\"password\":\"", c.as_bytes(), b"\"}"].concat());
    Send "json, after NUL" |c| json_body(format!("{{\"a\\u0000\":1,\"pass\\u0000word\":\"{c}\",\"token\":\"\\u0000{c}\"}}"));
    Send "json, deep down" |c| json_body(format!("{}{{\"password\":\"{c}\"}}{}", "[".repeat(200), "]".repeat(200)));
    Send "json that is none" |c| json_body(format!("{{\"password\":{c}}}"));
    Send "json with something behind it" |c| json_body(format!("{{\"a\":1}} password={c}"));
    Send "json of five dialects" |c| json_body(format!("{{password:'{c}',}}"));
    Send "json, past the limit of a capture" |c| json_body(format!("{{\"a\":\"{}\",\"password\":\"{c}\"}}", "x".repeat(16_370)));
    SendCut "json lines" |c| body("application/x-ndjson", format!("{{\"a\":1}}\n{{\"password\":\"{c}\"}}\n{{\"b\":2}}\n"));
    Send "a document over several json lines" |c| body("application/x-ndjson", format!("{{\"password\":\n\"{c}\"}}\n"));
    // Forms.
    SendCut "a form" |c| form(format!("a=1&password={c}&b=2"));
    Send "a form, percent-encoded" |c| form(format!("p%61ssword={}", percent(c)));
    Send "a form, plus and brackets" |c| form(format!("user%5Bapi+key%5D=+{c}+"));
    Send "a form, without a name" |c| form(format!("a=1&{}", jwt(c)));
    Send "a form with json in it" |c| form(format!("payload={}", percent(&format!("{{\"token\":\"{c}\"}}"))));
    Send "a form that is json" |c| form(format!("{{\"password\":\"{c}\"}}"));
    Send "a form that is text" |c| form(format!("password: {c}\nb=1"));
    // Multipart.
    Send "multipart" |c| multipart(&format!("content-disposition: form-data; name=\"password\"\r\n\r\n{c}"));
    Send "multipart, the content of a file" |c| multipart(&format!("content-disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\n{c}"));
    Send "multipart, a token as a file's name" |c| multipart(&format!("content-disposition: form-data; name=\"f\"; filename=\"{}\"\r\n\r\nx", jwt(c)));
    Send "multipart, a token as a name" |c| multipart(&format!("content-disposition: form-data; name=\"{}\"\r\n\r\nx", jwt(c)));
    Send "multipart, json" |c| multipart(&format!("content-disposition: form-data; name=\"a\"\r\ncontent-type: application/json\r\n\r\n{{\"password\":\"{c}\"}}"));
    SendCut "multipart, cut" |c| multipart(&format!("content-disposition: form-data; name=\"api_key\"\r\n\r\n{c}"));
    Send "multipart without a boundary" |c| body("multipart/form-data", format!("--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n{c}\r\n--b--"));
    // Encoded bodies.
    SendMarked "json in gzip" |c, m| encoded("gzip", json_body(format!("{{\"a\":\"{m}\",\"Api-Key\":\"{c}\",\"b\":[1]}}")));
    SendMarked "json in gzip, cut in the middle" |c, m| halved(encoded("gzip", long_json(c, m)));
    SendCut "json in gzip, cut everywhere" |c| encoded("gzip", json_body(format!("{{\"a\":\"1\",\"Api-Key\":\"{c}\",\"b\":[1]}}")));
    SendMarked "a form in gzip" |c, m| encoded("gzip", form(format!("a={m}&password={c}&b=2")));
    SendMarked "a form in gzip, cut in the middle" |c, m| halved(encoded("gzip", long_form(c, m)));
    SendCut "a form in gzip, cut everywhere" |c| encoded("gzip", form(format!("a=1&password={c}&b=2")));
    SendMarked "json in br" |c, m| encoded("br", json_body(format!("{{\"a\":\"{m}\",\"Api-Key\":\"{c}\",\"b\":[1]}}")));
    SendMarked "json in br, cut in the middle" |c, m| halved(encoded("br", long_json(c, m)));
    SendCut "json in br, cut everywhere" |c| encoded("br", json_body(format!("{{\"a\":\"1\",\"Api-Key\":\"{c}\",\"b\":[1]}}")));
    SendMarked "a form in br" |c, m| encoded("br", form(format!("a={m}&password={c}&b=2")));
    SendMarked "a form in br, cut in the middle" |c, m| halved(encoded("br", long_form(c, m)));
    SendCut "a form in br, cut everywhere" |c| encoded("br", form(format!("a=1&password={c}&b=2")));
    SendMarked "json in zstd" |c, m| encoded("zstd", json_body(format!("{{\"a\":\"{m}\",\"Api-Key\":\"{c}\",\"b\":[1]}}")));
    SendMarked "json in zstd, cut in the middle" |c, m| halved(encoded("zstd", long_json(c, m)));
    SendCut "json in zstd, cut everywhere" |c| encoded("zstd", json_body(format!("{{\"a\":\"1\",\"Api-Key\":\"{c}\",\"b\":[1]}}")));
    SendMarked "a form in zstd" |c, m| encoded("zstd", form(format!("a={m}&password={c}&b=2")));
    SendMarked "a form in zstd, cut in the middle" |c, m| halved(encoded("zstd", long_form(c, m)));
    SendCut "a form in zstd, cut everywhere" |c| encoded("zstd", form(format!("a=1&password={c}&b=2")));
    // Other types.
    Send "text" |c| body("text/plain", c);
    Send "xml" |c| body("application/xml", format!("<password>{c}</password>"));
    Send "no type" |c| Sent { body: c.into(), ..Sent::default() };
    Send "json under another type" |c| body("text/html", format!("{{\"password\":\"{c}\"}}"));
    Send "two types" |c| Sent { headers: vec![("content-type", "application/json".into()), ("content-type", "text/plain".into())], body: format!("{{\"a\":\"{c}\"}}").into(), ..Sent::default() };
    Send "the bytes of a gRPC call" |c| body("application/grpc", [b"\0\0\0\0\x11\x0a\x0f", c.as_bytes()].concat());
    Send "a packed body" |c| Sent { headers: vec![("content-type", "application/json".into()), ("content-encoding", "gzip".into())], body: format!("{{\"a\":\"{c}\"}}").into(), ..Sent::default() };
    // What a handler says.
    Say "a detail" |a, c| a.detail("password", &c);
    Say "a member of a detail" |a, c| a.detail("login", &json!({"user": {"token": c}}));
    Say "a detail that is a url" |a, c| a.detail("database", &format!("postgres://u:{c}@h/db"));
    Say "the name of a detail" |a, c| a.detail(&jwt(c), &1);
    Say "a change" |a, c| a.change(Change::updated("user", 1, &json!({"password": "x"}), &json!({"password": c})).unwrap());
    Say "the resource of a change" |a, c| a.change(Change::created("user", jwt(c), &1).unwrap());
    Say "the name of a changed field" |a, c| a.change(Change::updated("user", 1, &json!({}), &json!({jwt(c): 1})).unwrap());
    Say "an error" |a, c| a.error(format!("login failed: password={c}"));
    Say "an error with a link in a link" |a, c| a.error(format!("no page /x?next=%2Fy%3Ftoken%3D{c}"));
    Say "an error with a url" |a, c| a.error(format!("cannot connect to redis://:{c}@h:6379"));
    Say "a description" |a, c| a.description(&format!("sent Authorization: Bearer {c}"));
    Say "a tag" |a, c| a.tag(&format!("token={c}"));
    Say "a flag" |a, c| a.flag(&format!("odd api_key: {c}"));
    Say "an actor" |a, c| a.actor(Actor::user(jwt(c)));
    Say "a session" |a, c| a.session(jwt(c));
    Say "a request id" |a, c| a.request_id(format!("token={c}"));
    // What a handler answers.
    Answer "a response's cookie" |c| answer("set-cookie", format!("session={c}; HttpOnly"));
    Answer "a response's cookie without a name" |c| answer("set-cookie", c);
    Answer "a location" |c| answer("location", format!("https://u:{c}@h/?code_verifier={c}#access_token={c}"));
    Answer "a link" |c| answer("link", format!("<https://h/?token={c}>; rel=next"));
    Answer "a response header of no list" |c| answer("x-anything", c);
    Answer "a server timing" |c| answer("server-timing", format!("db;desc=\"token={c}\""));
    Answer "a message of gRPC" |c| answer("grpc-message", format!("bad password%3D{c}"));
    Answer "a response" |c| answer_body(200, "application/json", json!({"access_token": c, "ok": true}).to_string());
    Answer "a response that tells of a failure" |c| answer_body(500, "application/problem+json", json!({"detail": format!("no login for token={c}")}).to_string());
    Answer "a response of text" |c| answer_body(400, "text/plain", c.to_owned());
    Answer "a response of events" |c| answer_body(200, "text/event-stream", format!("data: {c}\n\n"));
};
