use std::io::{self, Read};

use memchr::memmem;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// The frames whose bytes are all there, by whatever accident: what was cut
/// out of one may stand at the start of the next.
fn whole(bytes: &[u8], count: u64) -> Vec<u64> {
    let is_there = |sequence: &u64| memmem::find(bytes, &framed(*sequence)).is_some();
    (0..count).filter(is_there).collect()
}

/// What a reader made of bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    /// Sequences of the frames.
    frames: Vec<u64>,
    damaged: Vec<u64>,
    torn: u64,
}

/// Bytes that differ from frame to frame, lest the end of one do for another's.
fn payload(sequence: u64) -> Vec<u8> {
    let length = 7 + sequence * 37 % 150;
    let mixed = |byte: u64| (sequence * 1_000 + byte).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..length).map(|byte| (mixed(byte) >> 56) as u8).collect()
}

fn framed(sequence: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, KIND_RECORD, sequence, 9, |to| {
        to.extend(payload(sequence))
    })
    .unwrap();
    bytes
}

fn segment(count: u64) -> Vec<u8> {
    (0..count).flat_map(framed).collect()
}

/// Where each frame of a segment ends.
fn ends(count: u64) -> Vec<usize> {
    let mut end = 0;
    (0..count)
        .map(|sequence| {
            end += framed(sequence).len();
            end
        })
        .collect()
}

/// Gives a few bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(to.len());
        self.0.read(&mut to[..count])
    }
}

/// Reads everything and checks that it accounts for every byte and invents nothing.
fn read(source: impl Read, size: usize) -> Account {
    let mut reader = FrameReader::new(source);
    let (mut all, mut bytes) = (Account::default(), 0);
    while let Some(item) = reader.next().unwrap() {
        assert_eq!(all.torn, 0, "a torn frame is the last");
        match item {
            Item::Frame(frame) => {
                assert_eq!(frame.payload, payload(frame.sequence));
                assert_eq!((frame.kind, frame.layout), (KIND_RECORD, 9));
                bytes += HEADER_BYTES as u64 + frame.payload.len() as u64;
                all.frames.push(frame.sequence);
            }
            Item::Damaged { bytes: damaged } => {
                bytes += damaged;
                all.damaged.push(damaged);
            }
            Item::Torn { bytes: torn } => {
                bytes += torn;
                all.torn = torn;
            }
        }
    }
    assert_eq!((bytes, reader.consumed()), (size as u64, size as u64));
    all
}

fn read_bytes(bytes: &[u8]) -> Account {
    let all = read(bytes, bytes.len());
    assert_eq!(read(Slow(bytes, 7), bytes.len()), all);
    all
}

const COUNT: u64 = 12;

#[test]
fn frames_come_back_in_order() {
    let all = read_bytes(&segment(COUNT));
    assert_eq!(all.frames, Vec::from_iter(0..COUNT));
    assert_eq!((all.damaged, all.torn), (vec![], 0));
    assert_eq!(read_bytes(&[]), Account::default());
}

#[test]
fn of_a_segment_cut_anywhere_all_whole_frames_come_back() {
    let (bytes, ends) = (segment(COUNT), ends(COUNT));
    for cut in 0..bytes.len() {
        let all = read(&bytes[..cut], cut);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(all.frames, Vec::from_iter(0..whole as u64));
        let whole_bytes = if whole == 0 { 0 } else { ends[whole - 1] };
        assert_eq!(
            (all.damaged, all.torn),
            (vec![], (cut - whole_bytes) as u64)
        );
    }
}

#[test]
fn a_flipped_bit_costs_its_frame_and_no_other() {
    let (bytes, ends) = (segment(COUNT), ends(COUNT));
    for at in 0..bytes.len() {
        for bit in [0, 7] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let hit = ends.iter().take_while(|end| **end <= at).count() as u64;
            let all = read(&bytes[..], bytes.len());
            assert_eq!(
                all.frames,
                Vec::from_iter((0..COUNT).filter(|frame| *frame != hit))
            );
            assert_eq!((all.damaged, all.torn), (vec![framed(hit).len() as u64], 0));
        }
    }
}

#[test]
fn zeros_at_the_end_are_a_torn_frame() {
    let bytes = [segment(2), vec![0; 4096]].concat();
    let all = read_bytes(&bytes);
    assert_eq!(
        (all.frames, all.damaged, all.torn),
        (vec![0, 1], vec![], 4096)
    );
}

proptest! {
    #[test]
    fn of_a_segment_with_bytes_inserted_all_whole_frames_come_back(
        at in any::<Index>(), noise in proptest::collection::vec(any::<u8>(), 1..600),
    ) {
        let mut bytes = segment(COUNT);
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, noise);
        let whole = whole(&bytes, COUNT);
        prop_assert!(whole.len() as u64 >= COUNT - 1);
        prop_assert_eq!(read_bytes(&bytes).frames, whole);
    }

    #[test]
    fn of_a_segment_with_bytes_removed_all_whole_frames_come_back(
        from in any::<Index>(), count in 1..400_usize,
    ) {
        let mut bytes = segment(COUNT);
        let from = from.index(bytes.len());
        bytes.drain(from..(from + count).min(bytes.len()));
        prop_assert_eq!(read_bytes(&bytes).frames, whole(&bytes, COUNT));
    }

    #[test]
    fn of_a_segment_with_a_sector_of_zeros_all_whole_frames_come_back(sector in 0..16_usize) {
        let mut bytes = segment(60);
        let from = (sector * 512).min(bytes.len());
        let to = (from + 512).min(bytes.len());
        bytes[from..to].fill(0);
        prop_assert_eq!(read_bytes(&bytes).frames, whole(&bytes, 60));
    }

    #[test]
    fn of_noise_nothing_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert_eq!(read_bytes(&bytes).frames, Vec::<u64>::new());
    }

    #[test]
    fn pieces_of_frames_in_any_order_give_only_whole_ones(
        pieces in proptest::collection::vec((0..COUNT, any::<Index>(), any::<Index>()), 0..30),
    ) {
        let bytes: Vec<u8> = pieces
            .into_iter()
            .flat_map(|(sequence, from, to)| {
                let frame = framed(sequence);
                let (from, to) = (from.index(frame.len()), to.index(frame.len() + 1));
                frame[from.min(to)..to].to_vec()
            })
            .collect();
        read_bytes(&bytes);
    }
}

/// A header that holds, before a payload that does not.
fn fake(length: u32) -> Vec<u8> {
    let mut header = framed(0)[..HEADER_BYTES].to_vec();
    header[12..16].copy_from_slice(&length.to_le_bytes());
    let check = crc32c::crc32c(&header[8..]);
    header[4..8].copy_from_slice(&check.to_le_bytes());
    header
}

/// Counts what is read from it, and how much at once.
#[derive(Default)]
struct Endless {
    pattern: Vec<u8>,
    at: usize,
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = to.len().min(self.left);
        for byte in &mut to[..count] {
            *byte = self.pattern[self.at];
            self.at = (self.at + 1) % self.pattern.len();
        }
        self.left -= count;
        Ok(count)
    }
}

#[test]
fn many_headers_with_long_wrong_payloads_take_linear_time_and_bounded_memory() {
    let size = 64 * 1024 * 1024;
    let source = Endless {
        pattern: fake(MAX_PAYLOAD_BYTES as u32),
        at: 0,
        left: size,
    };
    let mut reader = FrameReader::new(source);
    let mut bytes = 0;
    while let Some(item) = reader.next().unwrap() {
        match item {
            Item::Frame(_) => panic!("there is no frame"),
            Item::Damaged { bytes: some } | Item::Torn { bytes: some } => bytes += some,
        }
    }
    assert_eq!(bytes, size as u64);
    let checked = reader.wasted();
    assert!(checked < 4 * size as u64, "{checked} bytes were checked");
    assert!(reader.capacity() < 2 * MAX_PAYLOAD_BYTES + 1024 * 1024);
}

#[test]
fn a_length_beyond_the_limit_is_not_believed() {
    let bytes = [fake(MAX_PAYLOAD_BYTES as u32 + 1), segment(2)].concat();
    let mut reader = FrameReader::new(&bytes[..]);
    let damaged = HEADER_BYTES as u64;
    assert_eq!(
        reader.next().unwrap(),
        Some(Item::Damaged { bytes: damaged })
    );
    assert!(matches!(reader.next().unwrap(), Some(Item::Frame(_))));
    assert!(reader.capacity() <= 256 * 1024);
}

#[test]
fn the_largest_payload_fits_and_one_byte_more_does_not() {
    let mut bytes = vec![1];
    put(&mut bytes, 1, 0, 0, |to| {
        to.resize(to.len() + MAX_PAYLOAD_BYTES, 7)
    })
    .unwrap();
    let mut reader = FrameReader::new(&bytes[1..]);
    let Some(Item::Frame(frame)) = reader.next().unwrap() else {
        panic!("no frame");
    };
    assert_eq!(frame.payload.len(), MAX_PAYLOAD_BYTES);
    bytes.truncate(1);
    put(&mut bytes, 1, 0, 0, |to| {
        to.resize(to.len() + MAX_PAYLOAD_BYTES + 1, 7)
    })
    .unwrap_err();
    assert_eq!(bytes, [1]);
}
