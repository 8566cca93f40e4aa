//! A record as the command that would send its request again.

use std::fmt::Write;

use super::Record;

/// Headers that curl makes by itself, or that would not fit what it sends.
const OWN: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
];

impl Record {
    /// A command for a POSIX shell that sends the request again with `curl`,
    /// as far as it was recorded; `None` if the record is not of a request.
    ///
    /// What was masked, cut or left out is still missing, and a mark such as
    /// `[redacted]` or `<body not recorded>` stands in its place: fill it in
    /// before sending. The scheme is not recorded, so the command says `https`.
    /// It is safe to paste into a shell whatever the client had sent, and
    /// has several lines.
    ///
    /// # Security
    /// It sends a request that may have changed something once, and will again.
    pub fn to_curl(&self) -> Option<String> {
        let method = self.method.as_deref()?;
        let mut command = Command(String::from("curl"));
        // What is in brackets is to be sent, not to be counted through.
        command.flag("--globoff");
        command.flag("--path-as-is");
        match method {
            // With any other flag curl waits for a body that never comes.
            "HEAD" => command.flag("--head"),
            method => command.value("--request", method),
        }
        for (name, value) in self.curl_headers() {
            // With a colon and nothing behind it curl would leave the header out.
            command.value(
                "--header",
                &match value.as_str() {
                    "" => format!("{name};"),
                    value => format!("{name}: {value}"),
                },
            );
        }
        if let Some(body) = self.curl_body() {
            command.value("--data-raw", &body);
        }
        command.value("--url", &self.curl_url());
        Some(command.0)
    }

    fn curl_url(&self) -> String {
        let host = self.host.as_deref().unwrap_or("<host not recorded>");
        let path = self.path.as_deref().unwrap_or("/<path not recorded>");
        match &self.query {
            Some(query) => format!("https://{host}{path}?{query}"),
            None => format!("https://{host}{path}"),
        }
    }

    /// The headers as they were kept, and cookies by their names.
    fn curl_headers(&self) -> Vec<(String, String)> {
        let kept = self.request_headers.as_ref();
        let kept = kept.and_then(|headers| serde_json::from_str(headers.as_str()).ok());
        let kept: serde_json::Map<String, serde_json::Value> = kept.unwrap_or_default();
        let is_decoded = self
            .request_encoding
            .as_deref()
            .is_some_and(|encoding| encoding.contains('+'));
        let mut headers: Vec<_> = kept
            .into_iter()
            .filter(|(name, _)| is_name(name) && !OWN.contains(&name.as_str()))
            .filter(|(name, _)| !(is_decoded && name == "content-encoding"))
            .filter_map(|(name, value)| Some((name, one_line(value.as_str()?))))
            .collect();
        let has = |headers: &[(String, String)], name| headers.iter().any(|(own, _)| own == name);
        if !has(&headers, "content-type") {
            // Without one curl would say that the body is a form.
            let sent = self.request_content_type.as_deref().map(one_line);
            if sent.is_some() || self.request_body.is_some() {
                let value = sent.unwrap_or_else(|| "<not recorded>".to_owned());
                headers.push(("content-type".to_owned(), value));
            }
        }
        if !has(&headers, "cookie") && !self.cookies.is_empty() {
            let cookies = self.cookies.iter().map(|name| one_line(name));
            let cookies: Vec<_> = cookies.map(|name| name + "=<not recorded>").collect();
            headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
        headers
    }

    fn curl_body(&self) -> Option<String> {
        match &self.request_body {
            Some(body) if self.request_truncated => Some(format!("{body}<cut off here>")),
            Some(body) => Some(body.clone()),
            None => {
                let size = self.request_bytes.filter(|size| *size > 0)?;
                Some(format!("<body not recorded: {size} bytes>"))
            }
        }
    }
}

struct Command(String);

impl Command {
    fn flag(&mut self, flag: &str) {
        self.0.push(' ');
        self.0.push_str(flag);
    }

    fn value(&mut self, flag: &str, value: &str) {
        // Writing into a text cannot fail.
        _ = write!(self.0, " \\\n  {flag} {}", quote(value));
    }
}

/// One word of a POSIX shell, whatever is in it.
fn quote(text: &str) -> String {
    // No shell can pass NUL on; of everything else, only the quote ends what is quoted.
    format!(
        "'{}'",
        text.replace('\0', "\u{fffd}").replace('\'', r"'\''")
    )
}

/// A header's value without the ends of lines that would begin another header.
fn one_line(value: &str) -> String {
    value.replace(char::is_control, "\u{fffd}")
}

/// Whether it is the name of a header, and not the name of a file (`@…`) to curl.
fn is_name(name: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
}
