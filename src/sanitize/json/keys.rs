//! Keys that were looked at before: the objects of a list have the same ones.

use crate::sanitize::names::Verdict;

/// How many keys are remembered, as many as a byte has values. Two that share a place take turns.
const PLACES: usize = 256;
/// Keys of a document that stay as they are, what they say of their values,
/// and which one came next.
pub(super) struct KnownKeys {
    /// Where keys begin. Never at 0, where no quote can be before them.
    starts: [u32; PLACES],
    lengths: [u8; PLACES],
    verdicts: [Verdict; PLACES],
    /// The place of the key that followed last time.
    followers: [u8; PLACES],
    /// The place of the key that was read last.
    last: u8,
}

impl KnownKeys {
    pub(super) const fn new() -> Self {
        Self {
            starts: [0; PLACES],
            lengths: [0; PLACES],
            verdicts: [Verdict::Unlisted; PLACES],
            followers: [0; PLACES],
            last: 0,
        }
    }

    /// The end of the key that begins at `start`, if it is the one that came
    /// next last time, and what the rules say of it.
    #[inline]
    pub(super) fn follow(&mut self, document: &[u8], start: usize) -> Option<(usize, Verdict)> {
        let place = self.followers[usize::from(self.last)];
        let end = start + usize::from(self.lengths[usize::from(place)]);
        // Without escapes, a key ends at the first quote.
        if document.get(end) != Some(&b'"') {
            return None;
        }
        let verdict = self.at(place, document, &document[start..end])?;
        self.last = place;
        Some((end, verdict))
    }

    /// What the rules say of a key, which holds no escapes, if it is known.
    #[inline]
    pub(super) fn get(&mut self, document: &[u8], key: &[u8]) -> Option<Verdict> {
        let place = place(key);
        let verdict = self.at(place, document, key)?;
        self.followers[usize::from(self.last)] = place;
        self.last = place;
        Some(verdict)
    }

    #[inline]
    fn at(&self, place: u8, document: &[u8], key: &[u8]) -> Option<Verdict> {
        let start = self.starts[usize::from(place)];
        let length = usize::from(self.lengths[usize::from(place)]);
        let known = document.get(start as usize..)?.get(..length)?;
        (start != 0 && same(known, key)).then(|| self.verdicts[usize::from(place)])
    }

    /// Remembers a key that begins at `start` and holds no escapes.
    pub(super) fn insert(&mut self, start: usize, key: &[u8], verdict: Verdict) {
        if let (Ok(start), Ok(length)) = (u32::try_from(start), u8::try_from(key.len())) {
            let place = place(key);
            self.starts[usize::from(place)] = start;
            self.verdicts[usize::from(place)] = verdict;
            self.lengths[usize::from(place)] = length;
            self.followers[usize::from(self.last)] = place;
            self.last = place;
        }
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

/// Equality, quicker for what is short than a call would be.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        0..4 => one.iter().zip(other).all(|(one, other)| one == other),
        4..8 => ends::<4>(one) == ends::<4>(other),
        8..=16 => ends::<8>(one) == ends::<8>(other),
        _ => one == other,
    }
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
                prop_assert_eq!(known.get(document.as_bytes(), key), Some(*sensitive));
                said.insert(key, *sensitive);
                for length in 0..20 {
                    for key in [&[b'a'; 20][..length], &key[..length.min(key.len())]] {
                        let known = known.get(document.as_bytes(), key);
                        prop_assert!(known.is_none() || known == said.get(key).copied());
                    }
                }
                start += key.len() + 2;
            }
        }
    }
}
