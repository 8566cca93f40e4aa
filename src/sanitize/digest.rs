//! Keyed digests of whole bodies, made while they pass.

use std::fmt::{self, Write};
use std::io::IoSlice;

use bytes::Buf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A digest in the making: HMAC-SHA256 (RFC 2104) of everything that it has seen.
#[derive(Clone)]
pub(crate) struct BodyDigest {
    code: Hmac<Sha256>,
    /// There was data that could not be looked at without consuming it.
    missed: bool,
}

/// Parts of one piece of data that are looked at.
const MAX_SLICES: usize = 16;

impl BodyDigest {
    pub(super) fn new(code: Hmac<Sha256>) -> Self {
        Self {
            code,
            missed: false,
        }
    }

    /// Sees a piece of the body without consuming it.
    pub(crate) fn see(&mut self, data: &impl Buf) {
        let chunk = data.chunk();
        if chunk.len() == data.remaining() {
            self.code.update(chunk);
            return;
        }
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = data.chunks_vectored(&mut slices);
        let mut seen = 0;
        for slice in &slices[..count] {
            self.code.update(slice);
            seen += slice.len();
        }
        self.missed |= seen < data.remaining();
    }

    /// The digest, under the id of its key: `hmac:k1:` and 64 hexadecimal
    /// digits. None if it has not seen everything.
    pub(super) fn text(self, id: &str) -> Option<String> {
        if self.missed {
            return None;
        }
        let mut text = format!("hmac:{id}:");
        for byte in self.code.finalize().into_bytes() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    }
}

impl fmt::Debug for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyDigest").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hmac::KeyInit;

    use super::*;

    fn digest() -> BodyDigest {
        BodyDigest::new(Hmac::new_from_slice(&[0x0b; 20]).unwrap())
    }

    #[test]
    fn it_is_the_hmac_of_all_pieces() {
        // RFC 4231, test case 1.
        let expected = "hmac:k1:b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        let mut whole = digest();
        whole.see(&Bytes::from_static(b"Hi There"));
        assert_eq!(whole.text("k1").as_deref(), Some(expected));
        let mut pieces = digest();
        pieces.see(&Bytes::from_static(b"Hi "));
        pieces.see(&Bytes::from_static(b"Th").chain(Bytes::from_static(b"ere")));
        assert_eq!(pieces.text("k1").as_deref(), Some(expected));
    }

    #[test]
    fn what_shows_only_a_part_of_itself_has_none() {
        struct Hidden;
        impl Buf for Hidden {
            fn remaining(&self) -> usize {
                2
            }
            fn chunk(&self) -> &[u8] {
                b"a"
            }
            fn advance(&mut self, _: usize) {}
        }
        let mut hidden = digest();
        hidden.see(&Hidden);
        assert_eq!(hidden.text("k1"), None);
    }
}
