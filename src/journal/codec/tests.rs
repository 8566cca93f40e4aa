use proptest::prelude::*;

use super::super::layout::table;
use super::super::samples;
use super::*;
use crate::event::Column;

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    bytes
}

/// Today's table with its entries changed, and the records of today's
/// columns as somebody with that table would have written them.
fn other_layout(entries: &[(&str, u8, u8)]) -> Layout {
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    for (name, code, width) in entries {
        bytes.push(name.len() as u8);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&[*code, *width]);
    }
    Layout::parse(&bytes).unwrap()
}

fn id_value(number: u64) -> [u8; 16] {
    *samples::id(number).as_uuid().as_bytes()
}

proptest! {
    #[test]
    fn every_record_comes_back_as_it_was(record in samples::any_record()) {
        let layout = Layout::current();
        prop_assert_eq!(decode(&layout, &encoded(&record)).unwrap(), record);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&Layout::current(), &bytes);
    }

    #[test]
    fn no_byte_in_place_of_another_makes_it_panic(at in any::<proptest::sample::Index>(), byte: u8) {
        let mut bytes = encoded(&samples::full(7));
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&Layout::current(), &bytes);
    }
}

#[test]
fn records_with_every_column_and_with_few_come_back() {
    let layout = Layout::current();
    for record in [samples::full(7), samples::small(7), samples::ordinary(7)] {
        assert_eq!(decode(&layout, &encoded(&record)).unwrap(), record);
    }
    let long = samples::sized(1, 3 * 1024 * 1024);
    assert_eq!(decode(&layout, &encoded(&long)).unwrap(), long);
}

#[test]
fn a_record_that_breaks_off_within_a_value_is_an_error() {
    let bytes = encoded(&samples::full(7));
    let layout = Layout::current();
    assert!(decode(&layout, &[]).is_err());
    // It ends with `erased_at`, whose place and value take nine bytes.
    for cut in 1..9 {
        assert!(decode(&layout, &bytes[..bytes.len() - cut]).is_err());
    }
}

#[test]
fn columns_may_have_moved() {
    let layout = other_layout(&[("action", 3, 0), ("success", 4, 1), ("id", 1, 16)]);
    let mut bytes = vec![0, 4];
    bytes.extend_from_slice(b"test");
    bytes.extend_from_slice(&[1, 0, 2]);
    bytes.extend_from_slice(&id_value(7));
    let record = decode(&layout, &bytes).unwrap();
    assert_eq!(record.id, samples::id(7));
    assert_eq!(record.action.as_deref(), Some("test"));
    assert!(!record.success && record.capture_notes.is_empty());
}

#[test]
fn a_column_that_is_gone_is_skipped_with_a_note() {
    let layout = other_layout(&[
        ("gone", 77, 3),
        ("id", 1, 16),
        ("left", 78, 0),
        ("path", 3, 0),
    ]);
    let mut bytes = vec![0, 1, 2, 3, 1];
    bytes.extend_from_slice(&id_value(7));
    bytes.extend_from_slice(b"\x02\x02ab\x03\x01/");
    let record = decode(&layout, &bytes).unwrap();
    assert_eq!(record.path.as_deref(), Some("/"));
    assert_eq!(record.capture_notes, [SKIPPED]);
}

#[test]
fn a_value_that_only_a_newer_version_knows_is_skipped_with_a_note() {
    let layout = other_layout(&[("id", 1, 16), ("outcome", 3, 0)]);
    let mut bytes = vec![0];
    bytes.extend_from_slice(&id_value(7));
    bytes.extend_from_slice(b"\x01\x05later");
    let record = decode(&layout, &bytes).unwrap();
    assert_eq!(
        (record.outcome, &*record.capture_notes),
        (None, &[SKIPPED.to_owned()][..])
    );
}

#[test]
fn lengths_are_written_in_as_few_bytes_as_they_need() {
    for (length, bytes) in [
        (0, 1),
        (127, 1),
        (128, 2),
        (16_383, 2),
        (16_384, 3),
        (2_097_152, 4),
    ] {
        let mut written = Vec::new();
        put_length(length, &mut written);
        assert_eq!(written.len(), bytes);
        assert_eq!(take_length(&written), Some((length, &[][..])));
        assert_eq!(prefixed_size(&"x".repeat(length)), bytes + length);
    }
}

#[test]
fn names_in_the_table_fit_their_length() {
    assert!(Column::all().iter().all(|column| column.name().len() < 256));
    assert!(table().bytes.len() < 4096);
}
