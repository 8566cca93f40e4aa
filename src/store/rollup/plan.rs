//! Which questions rollups answer.

use super::hour::HOUR_US;
use super::label::Label;
use crate::event::Value;
use crate::query::{Condition, Dimension, Filter, Test};

/// What is asked: the sums of the records that pass a filter.
pub(super) struct Question<'a> {
    pub(super) filter: &'a Filter,
    pub(super) by: Option<Dimension>,
    /// The length of the buckets of time, in microseconds. Without it they are all in one.
    pub(super) bucket_us: Option<i64>,
}

/// The rollups of one dimension, or of all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan(pub(super) Option<Dimension>);

impl Question<'_> {
    /// The rollups that answer it for whole hours, if any do.
    pub(super) fn plan(&self) -> Option<Plan> {
        if self.bucket_us.is_some_and(|length| length % HOUR_US != 0) {
            return None;
        }
        if !self.filter.words().is_empty() {
            return None;
        }
        let Some((first, rest)) = self.filter.conditions().split_first() else {
            let is_summed_up = self.by.is_none_or(Dimension::has_rollups);
            return is_summed_up.then_some(Plan(self.by));
        };
        let dimension = dimension_of(first)?;
        let is_same = |condition| dimension_of(condition) == Some(dimension);
        let is_answered = self.by.is_none_or(|by| by == dimension) && rest.iter().all(is_same);
        is_answered.then_some(Plan(Some(dimension)))
    }

    /// Whether the records of a rollup pass the filter's conditions; `None`
    /// if that can only be told by looking at them.
    pub(super) fn passes(&self, plan: Plan, label: &Label) -> Option<bool> {
        let conditions = self.filter.conditions();
        let value = match label {
            _ if conditions.is_empty() => return Some(true),
            Label::Other => return None,
            Label::Missing => Value::Null,
            Label::Value(text) if plan.0 == Some(Dimension::StatusClass) => {
                let class = text
                    .strip_suffix("xx")
                    .and_then(|class| class.parse::<i64>().ok());
                Value::Int(class? * 100)
            }
            Label::Value(text) => Value::Text(text.as_str().into()),
        };
        Some(conditions.iter().all(|condition| condition.accepts(&value)))
    }
}

/// The dimension with rollups that has all that a condition needs.
fn dimension_of(condition: &Condition) -> Option<Dimension> {
    let is_of_classes = condition.tests().iter().all(is_class);
    Dimension::ALL.into_iter().find(|dimension| {
        dimension.has_rollups()
            && dimension.column().name() == condition.column().name()
            && (*dimension != Dimension::StatusClass || is_of_classes)
    })
}

/// Whether a test is about a whole class of status codes.
fn is_class(test: &Test) -> bool {
    match test {
        Test::Between(Value::Int(min), Value::Int(max)) => min % 100 == 0 && *max == min + 99,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn plan(filter: &Filter, by: Option<Dimension>, bucket_us: Option<i64>) -> Option<Plan> {
        Question {
            filter,
            by,
            bucket_us,
        }
        .plan()
    }

    #[test]
    fn conditions_on_one_dimension_are_answered_without_its_records() {
        let (route, class) = (Dimension::Route, Dimension::StatusClass);
        let all = Filter::new();
        let one = all.clone().route("/a").except().route("/b");
        let two = one.clone().kind(Kind::Http);
        let classes = all.clone().status_class(4).except().status_class(5);
        let codes = all.clone().status_class(4).except().status(404);
        for (filter, by, expected) in [
            (&all, None, Some(Plan(None))),
            (&all, Some(route), Some(Plan(Some(route)))),
            (&all, Some(Dimension::ActorId), None),
            (&one, None, Some(Plan(Some(route)))),
            (&one, Some(route), Some(Plan(Some(route)))),
            (&one, Some(class), None),
            (&two, None, None),
            (&classes, None, Some(Plan(Some(class)))),
            (&codes, None, None),
        ] {
            assert_eq!(plan(filter, by, None), expected, "{filter:?} {by:?}");
        }
        assert_eq!(plan(&all, None, Some(24 * HOUR_US)), Some(Plan(None)));
        assert_eq!(plan(&all, None, Some(HOUR_US / 2)), None);
    }

    #[test]
    fn a_rollup_passes_as_its_records_do() {
        let filter = Filter::new().status_class(4).status_class(5);
        let question = Question {
            filter: &filter,
            by: None,
            bucket_us: None,
        };
        let plan = question.plan().unwrap();
        for (label, expected) in [
            (Label::Value("4xx".to_owned()), Some(true)),
            (Label::Value("2xx".to_owned()), Some(false)),
            (Label::Missing, Some(false)),
            (Label::Other, None),
        ] {
            assert_eq!(question.passes(plan, &label), expected, "{label:?}");
        }
    }
}
