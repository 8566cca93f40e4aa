//! Keyed pseudonyms: the same for equal values, and no way back without the key.

use std::fmt;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::digest::BodyDigest;
use crate::Error;

/// Bytes of the shortest key.
const SHORTEST_KEY: usize = 16;
/// Bytes of the longest id of a key.
const LONGEST_ID: usize = 16;
/// Bytes of a code that are kept: enough that no two values meet by chance.
const CODE_BYTES: usize = 16;

/// The keys, in the order in which they were given: the last one is in use,
/// the others tell what to search for in older records.
#[derive(Clone, Default)]
pub(super) struct PseudonymKeys(Vec<(String, Hmac<Sha256>)>);

impl PseudonymKeys {
    pub(super) fn add(&mut self, id: &str, key: &[u8]) -> Result<(), Error> {
        let unusable =
            |why: &str| Error::configuration(format!("{id:?} cannot be a pseudonym key: {why}"));
        let is_usual =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_usual) {
            return Err(unusable(
                "its id takes 1 to 16 letters, digits, points, hyphens and underscores",
            ));
        }
        if self.0.iter().any(|(other, _)| other == id) {
            return Err(unusable("there is one with this id"));
        }
        if key.len() < SHORTEST_KEY {
            return Err(unusable("a key has at least 16 bytes"));
        }
        let code = Hmac::new_from_slice(key).map_err(|_| unusable("its length"))?;
        self.0.push((id.to_owned(), code));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pseudonym under the key in use.
    pub(super) fn pseudonym(&self, value: &str) -> Option<String> {
        self.all(value).next()
    }

    /// The beginning of a digest under the key in use.
    pub(super) fn digest(&self) -> Option<BodyDigest> {
        let (_, code) = self.0.last()?;
        Some(BodyDigest::new(code.clone()))
    }

    /// A digest that was begun with the key in use.
    pub(super) fn digest_text(&self, digest: BodyDigest) -> Option<String> {
        let (id, _) = self.0.last()?;
        digest.text(id)
    }

    /// The digests of a whole body under all keys, the one in use first.
    pub(super) fn digests(&self, body: &[u8]) -> Vec<String> {
        let digest = |(id, code): &(String, Hmac<Sha256>)| {
            let mut digest = BodyDigest::new(code.clone());
            digest.see(&body);
            digest.text(id)
        };
        self.0.iter().rev().filter_map(digest).collect()
    }

    /// The pseudonyms under all keys, the one in use first.
    pub(super) fn all(&self, value: &str) -> impl Iterator<Item = String> {
        self.0.iter().rev().map(move |(id, code)| {
            let mut code = code.clone();
            code.update(value.as_bytes());
            let mut text = format!("hmac:{id}:");
            for byte in &code.finalize().into_bytes()[..CODE_BYTES] {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
            text
        })
    }
}

impl fmt::Debug for PseudonymKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_start_of_the_hmac() {
        // RFC 4231, test case 2, with its key repeated to no effect: a key of 20 bytes as in case 1.
        let mut keys = PseudonymKeys::default();
        keys.add("k1", &[0x0b; 20]).unwrap();
        assert_eq!(
            keys.pseudonym("Hi There").unwrap(),
            "hmac:k1:b0344c61d8db38535ca8afceaf0bf12b"
        );
    }

    #[test]
    fn the_last_key_is_in_use_and_all_are_searched() {
        let mut keys = PseudonymKeys::default();
        keys.add("old", &[1; 16]).unwrap();
        keys.add("new", &[2; 16]).unwrap();
        let all: Vec<_> = keys.all("ada").collect();
        assert!(all[0].starts_with("hmac:new:") && all[1].starts_with("hmac:old:"));
        assert_eq!(keys.pseudonym("ada").as_ref(), Some(&all[0]));
    }

    #[test]
    fn a_key_that_is_short_twice_there_or_oddly_named_is_refused_by_its_id() {
        let mut keys = PseudonymKeys::default();
        keys.add("k1", &[1; 16]).unwrap();
        for (id, key) in [
            ("k1", &[1; 16][..]),
            ("k2", &[1; 15]),
            ("a:b", &[1; 16]),
            ("", &[1; 16]),
        ] {
            let error = keys.add(id, key).unwrap_err().to_string();
            assert!(error.contains(&format!("{id:?}")), "{error}");
        }
        assert_eq!(format!("{keys:?}"), r#"["k1"]"#);
    }
}
