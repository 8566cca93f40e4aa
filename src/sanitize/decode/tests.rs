use std::io::Write;
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];
const ORDER: &[u8] = include_bytes!("../../../tests/it/fixtures/order.json");
const PLENTY: usize = 256 * 1024;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn order(coding: Coding) -> Vec<u8> {
    match coding {
        Coding::Gzip => gzip(ORDER),
        Coding::Brotli => include_bytes!("../../../tests/it/fixtures/order.json.br").to_vec(),
        Coding::Zstd => include_bytes!("../../../tests/it/fixtures/order.json.zst").to_vec(),
    }
}

/// A frame of these blocks with a window of `2^(10 + exponent)` bytes: `(type, size, content)`.
fn zstd_frame(exponent: u8, blocks: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3];
    for (number, (kind, size, content)) in blocks.iter().enumerate() {
        let is_last = u32::from(number + 1 == blocks.len());
        frame.extend(&(is_last | kind << 1 | size << 3).to_le_bytes()[..3]);
        frame.extend(*content);
    }
    frame
}

/// Half a gigabyte in 16 KB.
fn zstd_bomb() -> Vec<u8> {
    zstd_frame(13, &[(1, 128 * 1024, &b" "[..]); 4096])
}

#[test]
fn codings_are_told_by_one_name() {
    for (name, coding) in [
        ("gzip", Some(Coding::Gzip)),
        ("X-GZip", Some(Coding::Gzip)),
        ("BR", Some(Coding::Brotli)),
        ("zstd", Some(Coding::Zstd)),
        ("deflate", None),
        ("gzip, br", None),
        ("", None),
    ] {
        assert_eq!(Coding::of(name.as_bytes()), coding, "{name}");
    }
}

#[test]
fn a_whole_stream_is_decoded_up_to_the_limit() {
    for coding in CODINGS {
        let encoded = order(coding);
        for (limit, cut) in [
            (PLENTY, false),
            (ORDER.len(), false),
            (ORDER.len() - 1, true),
            (10, true),
        ] {
            let bytes = ORDER[..limit.min(ORDER.len())].to_vec();
            assert_eq!(
                coding.decode(&encoded, limit),
                Some(Decoded { bytes, cut }),
                "{coding:?}"
            );
        }
        let more = [&encoded[..], &encoded[..]].concat();
        let decoded = coding.decode(&more, PLENTY).unwrap();
        assert!(decoded.cut && decoded.bytes == ORDER, "{coding:?}");
    }
}

#[test]
fn a_stream_that_breaks_off_gives_its_start_or_nothing() {
    for coding in CODINGS {
        let encoded = order(coding);
        let mut most = 0;
        for at in 0..encoded.len() {
            if let Some(decoded) = coding.decode(&encoded[..at], PLENTY) {
                assert!(
                    ORDER.starts_with(&decoded.bytes) && decoded.cut,
                    "{coding:?} {at}"
                );
                assert!(decoded.bytes.len() >= most);
                most = decoded.bytes.len();
            }
        }
        // A block of Zstandard cannot be read in part, and this is but one.
        assert!(
            coding == Coding::Zstd || most > ORDER.len() / 2,
            "{coding:?} {most}"
        );
    }
    let blocks = zstd_frame(0, &[(0, 3, b"abc"), (1, 3, b"d"), (0, 3, b"efg")]);
    let until = |at| {
        Coding::Zstd
            .decode(&blocks[..at], PLENTY)
            .map(|decoded| decoded.bytes)
    };
    assert_eq!(until(blocks.len()).unwrap(), b"abcdddefg");
    assert_eq!(until(blocks.len() - 1).unwrap(), b"abcddd");
    assert_eq!(until(blocks.len() - 7).unwrap(), b"abc");
    assert_eq!(until(10), None);
}

#[test]
fn bombs_stay_small() {
    let bombs = [
        (Coding::Gzip, gzip(&vec![b' '; 16 << 20])),
        (
            Coding::Brotli,
            include_bytes!("../../../tests/it/fixtures/bomb.br").to_vec(),
        ),
        (Coding::Zstd, zstd_bomb()),
    ];
    for (coding, bomb) in bombs {
        let started = Instant::now();
        for (limit, most) in [(16 * 1024, 16 * 1024), (usize::MAX, 100 * bomb.len())] {
            let decoded = coding.decode(&bomb, limit).unwrap();
            assert!(decoded.cut && decoded.bytes.len() <= most, "{coding:?}");
            assert!(decoded.bytes.capacity() <= 4 * most, "{coding:?}");
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{coding:?}");
    }
}

#[test]
fn windows_that_are_too_large_are_refused() {
    let blocks: &[(u32, u32, &[u8])] = &[(0, 3, b"abc")];
    assert!(
        Coding::Zstd
            .decode(&zstd_frame(13, blocks), PLENTY)
            .is_some()
    );
    assert_eq!(Coding::Zstd.decode(&zstd_frame(14, blocks), PLENTY), None);
    let large = include_bytes!("../../../tests/it/fixtures/large-window.br");
    assert_eq!(Coding::Brotli.decode(large, PLENTY), None);
}

#[test]
fn what_is_in_another_coding_is_not_decoded() {
    for coding in CODINGS {
        for other in CODINGS
            .map(order)
            .into_iter()
            .chain([b"{\"password\":\"canary\"}".to_vec(), Vec::new()])
        {
            if other != order(coding) {
                let decoded = coding.decode(&other, PLENTY).map(|decoded| decoded.bytes);
                assert!(
                    decoded.is_none_or(|bytes| !bytes.starts_with(b"{")),
                    "{coding:?}"
                );
            }
        }
    }
    let mut damaged = gzip(ORDER);
    let at = damaged.len() - 5;
    damaged[at] ^= 1;
    assert_eq!(Coding::Gzip.decode(&damaged, PLENTY), None);
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_within_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..300), limit in 0..500_usize) {
        for coding in CODINGS {
            let decoded = coding.decode(&bytes, limit);
            prop_assert!(decoded.is_none_or(|decoded| decoded.bytes.len() <= limit));
        }
    }

    #[test]
    fn damaged_streams_are_decoded_within_the_limit(at in 0..10_000_usize, byte: u8) {
        for coding in CODINGS {
            let mut encoded = order(coding);
            let at = at % encoded.len();
            encoded[at] = byte;
            let decoded = coding.decode(&encoded, 20_000);
            prop_assert!(decoded.is_none_or(|decoded| decoded.bytes.len() <= 20_000));
        }
    }
}
