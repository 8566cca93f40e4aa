//! Times that cannot be.
//!
//! An event has the time that the clock told when it happened. That may have
//! been nonsense: a machine that starts without a battery lives in 1970 until
//! somebody sets its clock, and a mistake can put it years ahead. What is out
//! of bounds by the clock of a moment later, when the record is made, gets the time of that moment.

use super::{Fields, Timestamp};

/// In `capture_notes`: the event has the time at which its record was made.
pub(crate) const RESTAMPED: &str = "time_restamped";
/// In `capture_notes`: the clock told a time before 2000, and does so still.
pub(crate) const CLOCK_NOT_SET: &str = "clock_not_set";

/// The start of 2000; nothing was recorded before.
const EARLIEST: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// Gives an event another time if its own is before 2000, or more than a day
/// after `now`, with a note. While `now` itself is before 2000 there is no better time, only a note.
///
/// It then has another id too; that under which it was known so far stays in `request_id`,
/// unless it has one of its own.
pub(crate) fn restamp(fields: &mut Fields, now: Timestamp) {
    let is_early = fields.occurred_at < EARLIEST;
    if now < EARLIEST {
        if is_early {
            fields.capture_notes.push(CLOCK_NOT_SET.to_owned());
        }
        return;
    }
    if !is_early && fields.occurred_at <= now.plus_days(1) {
        return;
    }
    let known_as = fields.id;
    fields
        .request_id
        .get_or_insert_with(|| known_as.to_string());
    fields.id = known_as.moved_to(now);
    fields.occurred_at = fields.id.timestamp();
    fields.capture_notes.push(RESTAMPED.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventId;

    fn restamped(time: Timestamp, now: Timestamp) -> (EventId, Fields) {
        let id = EventId::at(time);
        let mut fields = Fields::new(id);
        restamp(&mut fields, now);
        assert_eq!(fields.occurred_at, fields.id.timestamp());
        (id, fields)
    }

    fn now() -> Timestamp {
        "2024-02-29T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn from_2000_until_tomorrow_a_time_stays_as_it_is() {
        for time in [EARLIEST, now().plus_days(-400), now(), now().plus_days(1)] {
            let (id, fields) = restamped(time, now());
            assert_eq!(fields, Fields::new(id));
        }
    }

    #[test]
    fn other_times_become_that_of_now_and_the_id_is_still_known() {
        let early = Timestamp::from_micros(EARLIEST.as_micros() - 1);
        let late = Timestamp::from_micros(now().plus_days(1).as_micros() + 1);
        for time in [Timestamp::default(), early, late, now().plus_days(30_000)] {
            let (id, fields) = restamped(time, now());
            assert_eq!(fields.occurred_at, now());
            assert_eq!(fields.capture_notes, [RESTAMPED]);
            assert_eq!(fields.request_id, Some(id.to_string()));
        }
    }

    #[test]
    fn a_clock_that_is_not_set_is_only_noted() {
        let start = Timestamp::from_micros(5_000_000);
        let (id, fields) = restamped(start, start);
        assert_eq!(
            (fields.id, fields.capture_notes),
            (id, vec![CLOCK_NOT_SET.to_owned()])
        );
        // A right time does not become a wrong one.
        let (id, fields) = restamped(now(), start);
        assert_eq!(fields, Fields::new(id));
    }
}
