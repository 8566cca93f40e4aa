//! A canary in all the ways in which it may be written.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE;

/// Looks for many canaries at once.
pub(super) struct Search {
    needles: AhoCorasick,
    /// The position that a needle belongs to.
    positions: Vec<&'static str>,
}

impl Search {
    pub(super) fn new(canaries: &[(&'static str, String)]) -> Self {
        let (mut all, mut positions) = (Vec::new(), Vec::new());
        for (position, canary) in canaries {
            let needles = needles(canary);
            positions.extend(needles.iter().map(|_| *position));
            all.extend(needles);
        }
        let needles = AhoCorasick::new(all).unwrap();
        Self { needles, positions }
    }

    /// The positions whose canaries are found, and what stands around them.
    pub(super) fn find(&self, haystack: &[u8]) -> Vec<(&'static str, String)> {
        let mut found: Vec<(&str, String)> = Vec::new();
        for hit in self.needles.find_overlapping_iter(haystack) {
            let position = self.positions[hit.pattern().as_usize()];
            if found.last().is_none_or(|(last, _)| *last != position) {
                let (start, end) = (hit.start().saturating_sub(60), hit.end() + 20);
                let around = &haystack[start..end.min(haystack.len())];
                found.push((position, String::from_utf8_lossy(around).into_owned()));
            }
        }
        found
    }
}

/// What to look for to find one canary.
fn needles(canary: &str) -> Vec<String> {
    let bytes = canary.as_bytes();
    let each = |write: &dyn Fn(u8) -> String| bytes.iter().map(|byte| write(*byte)).collect();
    let mut needles: Vec<String> = vec![
        canary.to_owned(),
        canary.to_uppercase(),
        canary.chars().rev().collect(),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%25{byte:02X}")),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("\\u{:04x}", u32::from(byte))),
    ];
    // By where in a group of three bytes it begins, without the letters that others share.
    for offset in 0..3 {
        let shifted = [&vec![0; offset][..], bytes].concat();
        let whole = shifted.len() / 3 * 3;
        for engine in [&STANDARD, &URL_SAFE] {
            let encoded = engine.encode(&shifted[..whole]);
            needles.push(encoded[(offset * 8_usize).div_ceil(6)..].to_owned());
        }
    }
    needles
}

pub(super) fn holds(haystack: &[u8], text: &str) -> bool {
    AhoCorasick::new([text]).unwrap().is_match(haystack)
}

#[test]
fn a_canary_is_found_however_it_is_written() {
    let search = Search::new(&[("it", "kanarie007vogel".to_owned())]);
    let encoded = |prefix: &str| STANDARD.encode(format!("{prefix}kanarie007vogel and more"));
    for text in [
        "a kanarie007vogel b".to_owned(),
        "KANARIE007VOGEL".to_owned(),
        "%6b%61%6e%61%72%69%65%30%30%37%76%6f%67%65%6c".to_owned(),
        "6b616e61726965303037766f67656c".to_owned(),
        r"\u006b\u0061\u006e\u0061\u0072\u0069\u0065\u0030\u0030\u0037\u0076\u006f\u0067\u0065\u006c".to_owned(),
        encoded(""),
        encoded("a"),
        encoded("ab"),
        encoded("abc"),
    ] {
        assert!(!search.find(text.as_bytes()).is_empty(), "{text}");
    }
    assert!(search.find(b"kanarie008vogel").is_empty());
}
