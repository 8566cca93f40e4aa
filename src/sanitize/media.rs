//! What its headers say about how a body can be read.

/// The formats that can be sanitized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    /// A JSON document a line.
    JsonLines,
    Form,
    /// A form with files.
    Multipart,
}

const NAMED: &[(&[u8], Format)] = &[
    (b"application/json", Format::Json),
    (b"text/json", Format::Json),
    (b"application/csp-report", Format::Json),
    (b"application/x-ndjson", Format::JsonLines),
    (b"application/ndjson", Format::JsonLines),
    (b"application/jsonl", Format::JsonLines),
    (b"application/x-jsonlines", Format::JsonLines),
    (b"application/x-www-form-urlencoded", Format::Form),
    (b"multipart/form-data", Format::Multipart),
];

impl Format {
    /// The format of a `content-type`, if it is one that can be sanitized.
    pub(super) fn of(content_type: &[u8]) -> Option<Self> {
        let media_type = content_type
            .split(|byte| *byte == b';')
            .next()?
            .trim_ascii();
        let is = |name: &[u8]| media_type.eq_ignore_ascii_case(name);
        if let Some((_, format)) = NAMED.iter().find(|(name, _)| is(name)) {
            return Some(*format);
        }
        let suffix = media_type.get(media_type.len().checked_sub(5)?..)?;
        let has_two_parts = media_type.iter().filter(|byte| **byte == b'/').count() == 1;
        let suffixed = suffix.eq_ignore_ascii_case(b"+json") && has_two_parts;
        suffixed.then_some(Self::Json)
    }
}

/// Whether bodies of this `content-type` can be sanitized, so that they are
/// worth capturing. Of all others a record has type and size only.
pub(crate) fn readable_content_type(value: &[u8]) -> bool {
    Format::of(value).is_some()
}

/// Whether this `content-encoding` says that the body is as it is.
pub(crate) fn is_identity(content_encoding: &[u8]) -> bool {
    let coding = content_encoding.trim_ascii();
    coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_the_media_type_alone() {
        for (content_type, format) in [
            ("application/json", Some(Format::Json)),
            ("Application/JSON ; charset=utf-8", Some(Format::Json)),
            ("application/graphql-response+json", Some(Format::Json)),
            ("application/x-ndjson", Some(Format::JsonLines)),
            (
                "application/x-www-form-urlencoded;charset=UTF-8",
                Some(Format::Form),
            ),
            ("application/grpc", None),
            ("application/jsonp", None),
            (
                "multipart/form-data; boundary=application/json",
                Some(Format::Multipart),
            ),
            ("multipart/mixed; boundary=a", None),
            ("multipart/form-data+json", Some(Format::Json)),
            ("text/plain; a=+json", None),
            ("+json", None),
            ("", None),
        ] {
            assert_eq!(
                Format::of(content_type.as_bytes()),
                format,
                "{content_type}"
            );
            assert_eq!(
                readable_content_type(content_type.as_bytes()),
                format.is_some()
            );
        }
    }
}
