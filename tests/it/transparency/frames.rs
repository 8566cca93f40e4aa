//! HTTP/2 by hand: as much of it as a client needs that wants to see each frame.

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What a client says first; it lets the server send as much as it likes.
pub(super) fn preface() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let initial_window = [&[0, 4][..], &0x7fff_ffff_u32.to_be_bytes()].concat();
    bytes.extend(frame(SETTINGS, 0, 0, &initial_window));
    bytes.extend(frame(WINDOW_UPDATE, 0, 0, &0x4000_0000_u32.to_be_bytes()));
    bytes
}

/// A head, or trailers.
pub(super) fn head(stream: u32, fields: &[(&str, &str)], is_end: bool) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal that is not indexed, by a name that is not either (RFC 7541, 6.2.2).
        block.push(0);
        for text in [name, value] {
            push_length(&mut block, text.len());
            block.extend_from_slice(text.as_bytes());
        }
    }
    let end = if is_end { END_STREAM } else { 0 };
    frame(HEADERS, END_HEADERS | end, stream, &block)
}

pub(super) fn data(stream: u32, bytes: &[u8], is_end: bool) -> Vec<u8> {
    frame(DATA, if is_end { END_STREAM } else { 0 }, stream, bytes)
}

/// `CANCEL` of a stream.
pub(super) fn cancel(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A string's length, in seven bits or with the rest after them (RFC 7541, 5.1).
fn push_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(length as u8);
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    block.push(rest as u8);
}

struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'a [u8],
}

impl Frame<'_> {
    fn is_end(&self) -> bool {
        let is_flagged = matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0;
        is_flagged || self.kind == RST_STREAM
    }

    /// What is shown of it; nothing of what belongs to the flow of data.
    fn shown(&self) -> Option<String> {
        let name = match self.kind {
            SETTINGS | PING | WINDOW_UPDATE => return None,
            DATA => "DATA",
            HEADERS => "HEADERS",
            RST_STREAM => "RST_STREAM",
            GOAWAY => "GOAWAY",
            _ => "frame",
        };
        let end = if self.is_end() { " and END" } else { "" };
        let payload = self.payload.escape_ascii();
        Some(format!("{} {name}{end}: {payload}", self.stream))
    }
}

/// The frames that are there as a whole.
fn parse(mut bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_at_checked(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (payload, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    })
}

/// Whether the server has ended the stream, or all of them.
pub(super) fn has_ended(bytes: &[u8], stream: u32) -> bool {
    parse(bytes).any(|frame| frame.kind == GOAWAY || frame.stream == stream && frame.is_end())
}

/// The frames as text, stream by stream.
pub(super) fn frames(bytes: &[u8]) -> Vec<String> {
    let mut frames: Vec<_> = parse(bytes).collect();
    // Only within a stream there is an order to rely on.
    frames.sort_by_key(|frame| frame.stream);
    frames.iter().filter_map(Frame::shown).collect()
}
