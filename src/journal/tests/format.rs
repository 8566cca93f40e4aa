//! The format of version 1, as it was once written.
//!
//! To write the files anew, which only a new version of the format may do:
//! `cargo test --all-features --lib write_the_golden_files -- --ignored`

use std::fs;

use serde_json::Value;

use super::super::header::VERSION;
use super::super::replay::{Layouts, SegmentReader};
use super::super::samples::{full, ordinary, small};
use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/journal/fixtures")
        .join(name)
}

#[test]
fn a_segment_of_version_1_is_read() {
    let mut layouts = Layouts::new();
    let mut reader = SegmentReader::open(&fixture("version-1.seg"), &mut layouts).unwrap();
    let lines = fs::read_to_string(fixture("version-1.ndjson")).unwrap();
    for line in lines.lines() {
        let replayed = reader.next(&layouts).unwrap().unwrap();
        let read = serde_json::to_value(&replayed.record).unwrap();
        let Value::Object(written) = serde_json::from_str(line).unwrap() else {
            panic!("not an object");
        };
        // Columns of today that there were not then are not in it.
        for (name, value) in written {
            assert_eq!(read[&name], value, "{name}");
        }
    }
    assert!(reader.next(&layouts).unwrap().is_none());
    assert_eq!(reader.take_damage(), Damage::default());
}

#[test]
#[ignore = "writes into the source tree"]
fn write_the_golden_files() {
    let directory = temporary();
    let settings = settings(&directory);
    let records = [full(1), small(2), ordinary(3)];
    open(&settings).append(&records).unwrap();
    let lines = records.map(|record| serde_json::to_string(&record).unwrap() + "\n");
    fs::create_dir_all(fixture("")).unwrap();
    fs::copy(
        &segment_files(&settings)[0],
        fixture(&format!("version-{VERSION}.seg")),
    )
    .unwrap();
    fs::write(
        fixture(&format!("version-{VERSION}.ndjson")),
        lines.concat(),
    )
    .unwrap();
}
