use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::super::frame;
use super::super::header::header_bytes;
use super::super::layout::table;
use super::super::samples;
use super::*;
use crate::Timestamp;

const FIRST: u64 = 100;

/// A segment of small records whose numbers are their sequences.
fn segment(count: u64) -> Vec<u8> {
    let mut bytes = header_bytes(Uuid::nil(), Timestamp::from_micros(1), FIRST);
    for sequence in FIRST..FIRST + count {
        put(&mut bytes, sequence, KIND_RECORD, table().hash);
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, sequence: u64, kind: u8, layout: u32) {
    let record = samples::small(sequence);
    frame::put(bytes, kind, sequence, layout, |to| {
        codec::encode(&record, to)
    })
    .unwrap();
}

/// The numbers of the records that come back, none of them altered, and the damage.
fn replay(bytes: &[u8]) -> (Vec<u64>, Damage) {
    let mut layouts = Layouts::new();
    let mut reader = SegmentReader::new(bytes, &mut layouts).unwrap();
    let mut numbers = Vec::new();
    while let Some(replayed) = reader.next(&layouts).unwrap() {
        assert_eq!(replayed.record, samples::small(replayed.sequence));
        numbers.push(replayed.sequence);
    }
    assert_eq!(reader.consumed(), bytes.len() as u64);
    (numbers, reader.take_damage())
}

#[test]
fn records_come_back_with_their_sequences() {
    let found = replay(&segment(5));
    assert_eq!(found, (Vec::from_iter(100..105), Damage::default()));
}

#[test]
fn a_flipped_byte_anywhere_costs_at_most_one_record_which_is_counted() {
    let (bytes, header) = (segment(5), segment(0).len());
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        let (numbers, damage) = replay(&bytes);
        let lost = u64::from(at >= header);
        assert_eq!(numbers.len() as u64, 5 - lost, "at {at}");
        assert_eq!(damage.records, lost, "at {at}");
        assert!(damage.bytes > 0 && damage.torn_bytes == 0 && damage.is_serious());
    }
}

#[test]
fn a_sequence_that_no_segment_can_have_does_not_count_for_what_would_be_before_it() {
    let mut bytes = segment(2);
    for sequence in [u64::MAX - 1, u64::MAX, FIRST, u64::MAX] {
        put(&mut bytes, sequence, KIND_RECORD + 1, 0);
    }
    let (numbers, damage) = replay(&bytes);
    assert_eq!(numbers, [100, 101]);
    assert_eq!((damage.records, damage.skipped_frames), (2, 4));
}

#[test]
fn a_segment_cut_anywhere_gives_its_whole_records_and_is_not_damaged() {
    let bytes = segment(4);
    let ends: Vec<_> = (0..=4).map(|count| segment(count).len()).collect();
    for cut in 0..bytes.len() {
        let (numbers, damage) = replay(&bytes[..cut]);
        let whole = ends
            .iter()
            .filter(|end| **end <= cut)
            .count()
            .saturating_sub(1);
        assert_eq!(numbers, Vec::from_iter(FIRST..FIRST + whole as u64));
        assert!(!damage.is_serious(), "cut at {cut}: {damage:?}");
    }
}

proptest! {
    #[test]
    fn a_zeroed_sector_is_counted_to_the_record(from in any::<Index>(), length in 1..600_usize) {
        let mut bytes = segment(30);
        let from = from.index(bytes.len());
        let to = (from + length).min(bytes.len());
        bytes[from..to].fill(0);
        let (numbers, damage) = replay(&bytes);
        let lost = 30 - numbers.len() as u64;
        // At the end nobody knows how many there were, and without a header neither at the start.
        let is_known = numbers.last() == Some(&129) && numbers.first() == Some(&FIRST);
        let counted = damage.records;
        prop_assert!(counted == lost || (!is_known && counted <= lost.max(1)));
        prop_assert!(damage.bytes > 0 || damage.torn_bytes > 0 || lost == 0);
    }

    #[test]
    fn inserted_bytes_cost_at_most_one_record(
        at in any::<Index>(), noise in proptest::collection::vec(any::<u8>(), 1..600),
    ) {
        let mut bytes = segment(6);
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, noise);
        let (numbers, damage) = replay(&bytes);
        prop_assert!(numbers.len() >= 5);
        prop_assert!(damage.bytes > 0);
    }
}

#[test]
fn without_a_header_records_of_today_s_columns_come_back_and_others_are_counted() {
    let mut bytes = segment(3).split_off(segment(0).len());
    put(&mut bytes, 103, KIND_RECORD, 12345);
    put(&mut bytes, 104, KIND_RECORD, table().hash);
    let (numbers, damage) = replay(&bytes);
    assert_eq!(numbers, [100, 101, 102, 104]);
    assert_eq!((damage.records, damage.is_serious()), (1, true));
}

#[test]
fn a_table_that_another_segment_has_told_helps_one_without_a_header() {
    let mut layouts = Layouts::new();
    for count in 0..10_u8 {
        layouts.learn(&Layout::parse(&[1, 0, 1, b'a' + count, 3, 0]).unwrap());
    }
    assert_eq!(layouts.0.len(), MAX_LAYOUTS);
    assert!(layouts.named(table().hash).is_some());
    assert!(
        layouts
            .named(crc32c::crc32c(&[1, 0, 1, b'j', 3, 0]))
            .is_some()
    );
}

#[test]
fn frames_of_an_unknown_kind_are_skipped_and_counted() {
    let mut bytes = segment(1);
    put(&mut bytes, 101, 200, table().hash);
    put(&mut bytes, 102, KIND_RECORD, table().hash);
    let (numbers, damage) = replay(&bytes);
    assert_eq!(numbers, [100, 102]);
    let skipped = Damage {
        skipped_frames: 1,
        ..Damage::default()
    };
    assert_eq!((damage, damage.is_serious()), (skipped, false));
}

#[test]
fn records_that_were_taken_out_neatly_are_missed() {
    let mut bytes = segment(1);
    put(&mut bytes, 105, KIND_RECORD, table().hash);
    assert_eq!(replay(&bytes).1.records, 4);
}
