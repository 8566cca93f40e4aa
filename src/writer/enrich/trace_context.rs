//! The `traceparent` header of the W3C Trace Context recommendation.

/// The ids that a `traceparent` carries, as lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TraceContext<'a> {
    pub(super) trace_id: &'a str,
    pub(super) span_id: &'a str,
}

/// Reads `version-trace_id-parent_id-flags`, sections 3.2 and 4 of the
/// recommendation: a later version may have more fields behind, version `ff`
/// and ids of zeros alone are invalid.
pub(super) fn parse(value: &[u8]) -> Option<TraceContext<'_>> {
    let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    let mut fields = text.split('-');
    let mut hex = |length: usize| {
        fields
            .next()
            .filter(|field| field.len() == length && field.bytes().all(is_lower_hex))
    };
    let version = hex(2).filter(|version| *version != "ff")?;
    let not_zero = |id: &&str| id.bytes().any(|digit| digit != b'0');
    let trace_id = hex(32).filter(not_zero)?;
    let span_id = hex(16).filter(not_zero)?;
    hex(2)?;
    if version == "00" && fields.next().is_some() {
        return None;
    }
    Some(TraceContext { trace_id, span_id })
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_valid_header_gives_both_ids() {
        for header in [
            format!("00-{TRACE}-{SPAN}-01"),
            format!(" 00-{TRACE}-{SPAN}-00 "),
            format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"),
        ] {
            let context = TraceContext {
                trace_id: TRACE,
                span_id: SPAN,
            };
            assert_eq!(parse(header.as_bytes()), Some(context), "{header}");
        }
    }

    #[test]
    fn an_invalid_header_gives_nothing() {
        let zeros = "0".repeat(32);
        for header in [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}{SPAN}-01"),
        ] {
            assert_eq!(parse(header.as_bytes()), None, "{header}");
        }
        assert_eq!(parse(b"\xff\xfe"), None);
    }
}
