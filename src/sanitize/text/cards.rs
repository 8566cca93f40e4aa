//! Numbers of payment cards, known by their issuer, their length and their check digit.
//!
//! One number in ten has the right check digit by chance, so the rest has to
//! fit too: a beginning that issuers use, the length that belongs to it, all
//! digits together or in the groups that are printed on cards, and neither a
//! letter nor a digit on either side. Times in milli-, micro- and nanoseconds
//! begin with a 1, as no card does. Cards of 13 digits are long out of use,
//! while bar codes and telephone numbers have as many, so they are left alone.

/// Digits of the longest number, and of the shortest.
const MOST: usize = 19;
const LEAST: usize = 14;

/// How many digits are printed together. The longer of two that begin alike comes first.
const GROUPS: &[&[usize]] = &[&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// Digits of the longest number that is no text: more do not fit the numbers of
/// JavaScript, and identifiers of 64 bits often have more.
const MOST_OF_NUMBER: usize = 16;

/// Whether a number, as JSON writes it, is that of a card: by its value,
/// without its sign and what stands behind the point. One in fewer than
/// [`LEAST`] bytes is none, though with an exponent it could be.
#[inline]
pub(in crate::sanitize) fn is_card_number(number: &[u8]) -> bool {
    number.len() >= LEAST && is_card_in_full(number)
}

fn is_card_in_full(number: &[u8]) -> bool {
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let whole = digits(number, number.len());
    if whole == number.len() {
        return (LEAST..=MOST_OF_NUMBER).contains(&whole) && is_card(number);
    }
    integer_part(number, whole).is_some_and(|(digits, length)| is_card(&digits[..length]))
}

/// The digits before the point once the exponent is resolved, if there are as
/// many as cards have. `whole` digits stand before the point as it is written.
fn integer_part(number: &[u8], whole: usize) -> Option<([u8; MOST_OF_NUMBER], usize)> {
    let end = number.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = number.split_at(end.unwrap_or(number.len()));
    let exponent: isize = match exponent.get(1..) {
        Some(exponent) => std::str::from_utf8(exponent).ok()?.parse().ok()?,
        None => 0,
    };
    let point = whole.checked_add_signed(exponent)?;
    let zeros = std::iter::repeat(&b'0');
    let all = mantissa.iter().filter(|byte| **byte != b'.').chain(zeros);
    let leading = mantissa
        .iter()
        .take_while(|byte| matches!(byte, b'0' | b'.'));
    let leading = leading.filter(|byte| **byte == b'0').count();
    let length = point.checked_sub(leading)?;
    let mut digits = [0; MOST_OF_NUMBER];
    let place = digits.get_mut(..length).filter(|_| length >= LEAST)?;
    place
        .iter_mut()
        .zip(all.skip(leading))
        .for_each(|(place, digit)| *place = *digit);
    Some((digits, length))
}

/// The end of the number whose first digit, behind no letter or digit, is at `at`.
pub(super) fn card_at(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    let together = digits(rest, MOST + 1);
    let length = if together >= LEAST {
        (together <= MOST && is_card(&rest[..together])).then_some(together)
    } else {
        GROUPS.iter().find_map(|groups| grouped(rest, groups))
    }?;
    let end = at + length;
    let is_part = follows_a_part(text, at) || is_followed_by_a_part(text, end, rest[4] == b'-');
    (!is_part).then_some(end)
}

/// How many digits there are, if not more than `most`.
fn digits(text: &[u8], most: usize) -> usize {
    let digits = text.iter().take(most);
    digits.take_while(|byte| byte.is_ascii_digit()).count()
}

/// The length of a number that is written in these groups, with one space or hyphen between any two.
fn grouped(text: &[u8], groups: &[usize]) -> Option<usize> {
    let separator = *text.get(groups[0])?;
    if !matches!(separator, b' ' | b'-') {
        return None;
    }
    let mut number = [0; MOST];
    let (mut at, mut length) = (0, 0);
    for (index, &group) in groups.iter().enumerate() {
        if index > 0 {
            if text.get(at) != Some(&separator) {
                return None;
            }
            at += 1;
        }
        if digits(&text[at..], group + 1) != group {
            return None;
        }
        number[length..][..group].copy_from_slice(&text[at..][..group]);
        length += group;
        at += group;
    }
    is_card(&number[..length]).then_some(at)
}

/// Whether something goes before the number that makes it part of another:
/// of a decimal fraction, a telephone number, or an identifier with hyphens.
fn follows_a_part(text: &[u8], at: usize) -> bool {
    let before = |back: usize| Some(text[at.checked_sub(back)?]);
    match before(1) {
        Some(b'+') => true,
        Some(b'.' | b'-') => before(2).is_some_and(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// The same for what goes behind it.
fn is_followed_by_a_part(text: &[u8], end: usize, hyphens: bool) -> bool {
    let after = text.get(end + 1);
    match text.get(end) {
        Some(b'.') => after.is_some_and(u8::is_ascii_digit),
        Some(b'-') if hyphens => after.is_some_and(u8::is_ascii_alphanumeric),
        Some(byte) => byte.is_ascii_alphanumeric(),
        None => false,
    }
}

fn is_card(number: &[u8]) -> bool {
    is_of_an_issuer(number) && has_check_digit(number)
}

/// Beginnings and lengths as issuers use them (ISO/IEC 7812).
fn is_of_an_issuer(number: &[u8]) -> bool {
    let start = number[..4]
        .iter()
        .fold(0_u32, |start, digit| start * 10 + u32::from(digit - b'0'));
    match start {
        // Diners Club.
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => number.len() == 14,
        // American Express.
        3400..=3499 | 3700..=3799 => number.len() == 15,
        // Mastercard.
        2221..=2720 | 5100..=5599 => number.len() == 16,
        // JCB.
        3528..=3589 => number.len() == 16,
        // Visa.
        4000..=4999 => matches!(number.len(), 16 | 19),
        // Maestro, Discover, RuPay and UnionPay.
        5000..=5099 | 5600..=5899 | 6000..=6999 => (16..=19).contains(&number.len()),
        _ => false,
    }
}

/// The check of Luhn: every second digit from the right counts twice.
fn has_check_digit(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(
            |(place, digit)| match (u32::from(digit - b'0'), place % 2) {
                (digit, 0) => digit,
                (digit, _) => digit * 2 / 10 + digit * 2 % 10,
            },
        )
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cards(text: &str) -> Vec<&str> {
        let bytes = text.as_bytes();
        let starts = |at: usize| at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        (0..bytes.len())
            .filter(|at| bytes[*at].is_ascii_digit() && starts(*at))
            .filter_map(|at| Some(&text[at..card_at(bytes, at)?]))
            .collect()
    }

    #[test]
    fn numbers_of_cards_are_found_together_and_in_groups() {
        for number in [
            "4111111111111111",
            "4242 4242 4242 4242",
            "4012-8888-8888-1881",
            "5555555555554444",
            "5105 1051 0510 5100",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "3714-496353-98431",
            "30569309025904",
            "3852 000002 3237",
            "6011111111111117",
            "6011 0009 9013 9424",
            "3530111333300000",
            "6200000000000005",
            "6759649826438453",
            "4000000000000000006",
            "4000 0000 0000 0000 006",
        ] {
            for text in [
                number.to_owned(),
                format!("card {number}, 12/27"),
                format!("/cards/{number}/charge"),
                format!("paid with {number}."),
                format!("n°{number}é"),
                format!("card-{number}"),
                format!("{number} 12 27 123"),
            ] {
                assert_eq!(cards(&text), [number], "{text}");
            }
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            // One digit off.
            "4111111111111112",
            "4242 4242 4242 4243",
            // Times.
            "1700000000000",
            "1700000000000000",
            "1700000000000000000",
            "20260312091405",
            "2026-03-12 09:14:05",
            // Right check digits, but no issuer or another length.
            "7111111111111110",
            "9999999999999995",
            "4222222222222",
            "41111111111111111111",
            "411111111111116",
            "0000000000000000",
            // Other groups.
            "4111 11111111 1111",
            "4111 1111-1111 1111",
            "4111  1111  1111  1111",
            "41 11 11 11 11 11 11 11",
            // Parts of something else.
            "0.4111111111111111",
            "4111111111111111.5",
            "+4111111111111111",
            "a4111111111111111",
            "4111111111111111a",
            "12345678-4111-1111-1111-111111111111",
            "0000-4111-1111-1111-1111",
            "4111-1111-1111-1111-1111",
            "4111-1111-1111-1111-abcd",
        ] {
            assert_eq!(cards(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_number_of_json_is_a_card_by_its_value_however_it_is_written() {
        for number in [
            "4111111111111111",
            "-4111111111111111",
            "4111111111111111.0",
            "-4111111111111111.50",
            "4.111111111111111e15",
            "4.111111111111111E+15",
            "4111111111111111e0",
            "411111111111111100e-2",
            "0.04111111111111111e17",
            "3.5301113333e15",
            "5.1051051051051e15",
            "30569309025904.0",
        ] {
            assert!(is_card_number(number.as_bytes()), "{number}");
        }
        for number in [
            "4111111111111112.0",
            "-4111111111111112",
            "4.111111111111111e14",
            "4.111111111111111e16",
            "4.111111111111111e-15",
            "0.4111111111111111",
            "4000000000000000006",
            "4.111111111111111e99999999999999999999",
            "4.111111111111111e-99999999999999999999",
            "0.0000000000000000",
            "0e15000000000000",
            "1700000000000.000",
        ] {
            assert!(!is_card_number(number.as_bytes()), "{number}");
        }
    }

    proptest! {
        #[test]
        fn the_right_last_digit_makes_a_card_and_no_other_does(number in "(4[0-9]{14}|5[1-5][0-9]{13}|3[47][0-9]{12}|62[0-9]{13,16})") {
            let found: Vec<String> = (0..10)
                .map(|digit| format!("{number}{digit}"))
                .filter(|number| is_card(number.as_bytes()))
                .collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(cards(&found[0]), [&found[0]]);
            prop_assert_eq!(is_card_number(found[0].as_bytes()), found[0].len() <= 16);
        }

        #[test]
        fn any_digits_and_separators_can_be_looked_at(text in "([0-9]{1,5}|[ .+a-]|4111|1111){0,30}") {
            for card in cards(&text) {
                let digits: String = card.chars().filter(char::is_ascii_digit).collect();
                prop_assert!(is_card(digits.as_bytes()), "{}", card);
            }
        }
    }
}
