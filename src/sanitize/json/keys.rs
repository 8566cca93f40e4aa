//! Keys that were looked at before: the objects of a list have the same ones.

use crate::sanitize::names::Verdict;

/// How many keys are remembered, as many as a byte has values. Two that share a place take turns.
const PLACES: usize = 256;

/// Keys of a document that stay as they are, what they say of their values,
/// and which one came next.
pub(super) struct KnownKeys {
    keys: [Key; PLACES],
    /// The place of the key that was read last.
    last: u8,
}

#[derive(Clone, Copy)]
struct Key {
    /// Where it begins. Never at 0, where no quote can be before it.
    start: u32,
    verdict: Verdict,
    length: u8,
    /// The place of the key that followed last time.
    follower: u8,
}

impl KnownKeys {
    pub(super) const fn new() -> Self {
        let unknown = Key {
            start: 0,
            verdict: Verdict::Unlisted,
            length: 0,
            follower: 0,
        };
        Self {
            keys: [unknown; PLACES],
            last: 0,
        }
    }

    /// The end of the key that begins at `start`, if it is the one that came
    /// next last time, and what the rules say of it.
    #[inline]
    pub(super) fn follow(&mut self, document: &[u8], start: usize) -> Option<(usize, Verdict)> {
        let place = self.keys[usize::from(self.last)].follower;
        let key = self.keys[usize::from(place)];
        if !key.stands_at(document, start) {
            return None;
        }
        self.last = place;
        Some((start + usize::from(key.length), key.verdict))
    }

    /// What the rules say of the key between `start` and `end`, which holds no
    /// escapes, if it is known.
    #[inline]
    pub(super) fn get(&mut self, document: &[u8], start: usize, end: usize) -> Option<Verdict> {
        let place = place(&document[start..end]);
        let key = self.keys[usize::from(place)];
        if usize::from(key.length) != end - start || !key.stands_at(document, start) {
            return None;
        }
        self.went_to(place);
        Some(key.verdict)
    }

    /// Remembers a key that begins at `start` and holds no escapes.
    pub(super) fn insert(&mut self, start: usize, key: &[u8], verdict: Verdict) {
        if let (Ok(start), Ok(length)) = (u32::try_from(start), u8::try_from(key.len())) {
            let place = place(key);
            let known = &mut self.keys[usize::from(place)];
            known.start = start;
            known.verdict = verdict;
            known.length = length;
            self.went_to(place);
        }
    }

    #[inline]
    fn went_to(&mut self, place: u8) {
        self.keys[usize::from(self.last)].follower = place;
        self.last = place;
    }
}

/// Bytes that are compared together.
const CHUNK: usize = 16;

impl Key {
    /// Whether the key at `start` is this one. Without escapes, a key ends at the first quote.
    #[inline]
    fn stands_at(self, document: &[u8], start: usize) -> bool {
        let (known, length) = (self.start as usize, usize::from(self.length) + 1);
        let chunk = |start: usize| document.get(start..)?.first_chunk::<CHUNK>();
        if length <= CHUNK
            && let (Some(known), Some(key)) = (chunk(known), chunk(start))
        {
            let differ = u128::from_le_bytes(*known) ^ u128::from_le_bytes(*key);
            return self.start != 0 && differ.trailing_zeros() as usize >= 8 * length;
        }
        let text = |start: usize| document.get(start..start + length);
        self.start != 0 && text(start).is_some() && text(known) == text(start)
    }
}

#[inline]
fn place(key: &[u8]) -> u8 {
    let letters = match key.len() {
        0 => 0,
        length @ 1..4 => {
            let letter = |at: usize| u64::from(key[at]);
            letter(0) | letter(length / 2) << 8 | letter(length - 1) << 16
        }
        4..8 => {
            let (first, last) = ends(key);
            u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << 32
        }
        _ => {
            let (first, last) = ends(key);
            u64::from_le_bytes(first) ^ u64::from_le_bytes(last).rotate_left(5)
        }
    };
    let mixed = (letters ^ key.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

/// The first and the last bytes, which may overlap, of a text that has as many.
#[inline]
fn ends<const BYTES: usize>(text: &[u8]) -> ([u8; BYTES], [u8; BYTES]) {
    let whole = |end: Option<&[u8; BYTES]>| end.copied().unwrap_or([0; BYTES]);
    (whole(text.first_chunk()), whole(text.last_chunk()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn verdicts() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::Unlisted),
            Just(Verdict::Allowed),
            any::<u16>().prop_map(Verdict::Listed),
        ]
    }

    proptest! {
        #[test]
        fn what_is_known_of_a_key_is_what_was_said_last(keys in prop::collection::vec(("[ab]{0,3}|[ab]{0,20}", verdicts()), 0..100)) {
            let document: String = keys.iter().map(|(key, _)| format!("\"{key}\"")).collect();
            let mut known = KnownKeys::new();
            let mut said = HashMap::new();
            let mut start = 1;
            for (key, sensitive) in &keys {
                let key = key.as_bytes();
                if let Some((end, sensitive)) = known.follow(document.as_bytes(), start) {
                    prop_assert_eq!(end, start + key.len());
                    prop_assert_eq!(Some(&sensitive), said.get(key));
                }
                known.insert(start, key, *sensitive);
                prop_assert_eq!(known.get(document.as_bytes(), start, start + key.len()), Some(*sensitive));
                said.insert(key, *sensitive);
                for length in 0..20 {
                    for key in [&[b'a'; 20][..length], &key[..length.min(key.len())]] {
                        let probe = [document.as_bytes(), b"\"", key, b"\""].concat();
                        let start = document.len() + 1;
                        let known = known.get(&probe, start, start + key.len());
                        prop_assert!(known.is_none() || known == said.get(key).copied());
                    }
                }
                start += key.len() + 2;
            }
        }
    }
}
