//! Without decoders no coding is known.

/// A content coding that can be decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coding {}

/// What came out.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    pub(super) cut: bool,
}

impl Coding {
    pub(crate) fn of(_: &[u8]) -> Option<Self> {
        None
    }

    pub(super) fn name(self) -> &'static str {
        match self {}
    }

    pub(super) fn decode(self, _: &[u8], _: usize) -> Option<Decoded> {
        match self {}
    }
}
