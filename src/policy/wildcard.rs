//! Texts with wildcards.

/// A text in which each `*` stands for any number of bytes, also none.
#[derive(Clone, Debug)]
pub(super) struct Wildcard(Box<str>);

impl Wildcard {
    pub(super) fn new(wildcard: &str) -> Self {
        Self(wildcard.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else {
            return self.0.as_bytes() == text;
        };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(text) = text.strip_prefix(start.as_bytes()) else {
            return false;
        };
        let Some(mut text) = text.strip_suffix(end.as_bytes()) else {
            return false;
        };
        // The leftmost place of each part leaves the most room for the next one.
        for part in middle.split('*').filter(|part| !part.is_empty()) {
            let part = part.as_bytes();
            match text.windows(part.len()).position(|window| window == part) {
                Some(place) => text = &text[place + part.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, tried in every way there is.
    fn by_definition(wildcard: &[u8], text: &[u8]) -> bool {
        match wildcard.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| by_definition(rest, &text[skip..])),
            Some((byte, rest)) => text.first() == Some(byte) && by_definition(rest, &text[1..]),
        }
    }

    #[test]
    fn a_star_stands_for_anything_slashes_too() {
        let matches = |wildcard, text: &str| Wildcard::new(wildcard).matches(text.as_bytes());
        assert!(matches("/health*", "/health") && matches("/health*", "/health/db"));
        assert!(matches("*/x", "/a/b/x") && !matches("*/x", "/a/b/x/"));
        assert!(matches("/a*c", "/abc") && !matches("/a*a", "/a"));
        assert!(matches("/exact", "/exact") && !matches("/exact", "/exactly"));
    }

    proptest! {
        #[test]
        fn wildcards_match_as_defined(wildcard in "[ab*]{0,8}", text in "[ab*]{0,10}") {
            prop_assert_eq!(
                Wildcard::new(&wildcard).matches(text.as_bytes()),
                by_definition(wildcard.as_bytes(), text.as_bytes())
            );
        }
    }
}
