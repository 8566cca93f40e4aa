//! How often which duration occurred, to within 3.2 %.

use crate::Error;

/// Weights of durations in microseconds, in bins whose width is a sixteenth
/// of the power of two below them; durations below 16 µs have one each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::store) struct Histogram {
    /// The bins that hold something, in order.
    bins: Vec<(u16, f64)>,
}

/// The bits of a duration that tell its bin, after the first one.
const BITS: u32 = 4;
const STEPS: u16 = 1 << BITS;
/// That of the greatest duration.
const LAST_BIN: u16 = (62 - BITS as u16) * STEPS + 2 * STEPS - 1;

/// What the encoding begins with.
const VERSION: u8 = 1;

/// The bin of a duration. Durations below zero are taken for zero.
pub(in crate::store) fn bin_of(duration_us: i64) -> u16 {
    let duration = duration_us.max(0).cast_unsigned();
    let shift = (duration | u64::from(STEPS)).ilog2() - BITS;
    (shift as u16) * STEPS + (duration >> shift) as u16
}

/// What stands for the durations of a bin: the middle of it.
fn duration_of(bin: u16) -> i64 {
    let shift = (bin / STEPS).saturating_sub(1);
    let first = i64::from(bin - shift * STEPS) << shift;
    first + ((1_i64 << shift) - 1) / 2
}

impl Histogram {
    pub(in crate::store) fn add(&mut self, bin: u16, weight: f64) {
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(place) => self.bins[place].1 += weight,
            Err(place) => self.bins.insert(place, (bin, weight)),
        }
    }

    pub(in crate::store) fn merge(&mut self, other: &Self) {
        for (bin, weight) in &other.bins {
            self.add(*bin, *weight);
        }
    }

    /// The weight of all durations.
    pub(in crate::store) fn total(&self) -> f64 {
        self.bins.iter().map(|(_, weight)| weight).sum()
    }

    /// The duration that this part of the weight does not exceed.
    pub(in crate::store) fn percentile(&self, part: f64) -> i64 {
        let wanted = self.total() * part;
        let mut sum = 0.0;
        for (bin, weight) in &self.bins {
            sum += weight;
            if sum >= wanted {
                return duration_of(*bin);
            }
        }
        // The sums may differ in their last digits.
        self.bins.last().map_or(0, |(bin, _)| duration_of(*bin))
    }

    /// A version, then for each bin the distance from the one before, doubled,
    /// and the weight: as a whole number, or as eight bytes if the doubled distance is odd.
    pub(in crate::store) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 3 * self.bins.len());
        bytes.push(VERSION);
        let mut last = 0;
        for (bin, weight) in &self.bins {
            let distance = u64::from(bin - last) * 2;
            last = *bin;
            let whole = *weight as u64;
            if whole as f64 == *weight {
                put_number(distance, &mut bytes);
                put_number(whole, &mut bytes);
            } else {
                put_number(distance + 1, &mut bytes);
                bytes.extend_from_slice(&weight.to_le_bytes());
            }
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) has written.
    ///
    /// # Errors
    /// If it was not.
    pub(in crate::store) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        parse(bytes).ok_or_else(|| Error::internal("the histogram of a rollup cannot be read"))
    }
}

fn parse(bytes: &[u8]) -> Option<Histogram> {
    let (&VERSION, mut rest) = bytes.split_first()? else {
        return None;
    };
    let mut bins = Vec::with_capacity(rest.len() / 2);
    let mut bin = 0_u16;
    while !rest.is_empty() {
        let distance = take_number(&mut rest)?;
        if distance < 2 && !bins.is_empty() {
            return None;
        }
        bin = bin.checked_add((distance / 2).try_into().ok()?)?;
        if bin > LAST_BIN {
            return None;
        }
        let weight = if distance % 2 == 0 {
            take_number(&mut rest)? as f64
        } else {
            let (weight, after) = rest.split_first_chunk()?;
            rest = after;
            f64::from_le_bytes(*weight)
        };
        bins.push((bin, weight));
    }
    Some(Histogram { bins })
}

/// Seven bits a byte, the lowest first; all but the last byte have the eighth.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(durations: &[(i64, f64)]) -> Histogram {
        let mut histogram = Histogram::default();
        for (duration, weight) in durations {
            histogram.add(bin_of(*duration), *weight);
        }
        histogram
    }

    #[test]
    fn the_encoding_keeps_its_form() {
        let histogram = histogram(&[(0, 1.0), (100, 300.0), (i64::MAX, 0.5)]);
        let bytes = histogram.to_bytes();
        let expected = [
            &[1, 0, 1, 114, 172, 2, 141, 14][..],
            &0.5_f64.to_le_bytes()[..],
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(Histogram::from_bytes(&bytes).unwrap(), histogram);
        assert_eq!(bin_of(i64::MAX), LAST_BIN);
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        for bytes in [
            &[][..],
            &[2],
            &[1, 2],
            &[1, 1, 0],
            &[1, 2, 1, 0, 1],
            &[1, 0xff, 0xff, 3, 1],
        ] {
            assert!(Histogram::from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_bin_is_near_its_durations(duration in prop_oneof![0..1_000_000_i64, any::<i64>()]) {
            let near = duration_of(bin_of(duration));
            let duration = duration.max(0);
            prop_assert!((near - duration).abs() as f64 <= 0.032 * duration as f64, "{near} {duration}");
        }

        #[test]
        fn bins_are_in_the_order_of_durations(a in 0..i64::MAX) {
            prop_assert!(bin_of(a) <= bin_of(a + 1));
            prop_assert!(bin_of(a + 1) - bin_of(a) <= 1);
        }

        #[test]
        fn a_histogram_survives_being_written(
            durations in prop::collection::vec((any::<i64>(), prop_oneof![Just(1.0), 0.1..1e12_f64]), 0..60),
        ) {
            let histogram = histogram(&durations);
            prop_assert_eq!(Histogram::from_bytes(&histogram.to_bytes()).unwrap(), histogram);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            Histogram::from_bytes(&bytes).ok();
        }
    }
}
