//! Whether a rule's conditions are met.

use super::Rule;
use crate::policy::judgement::{End, Head};
use crate::policy::wildcard::Wildcard;

impl Rule {
    /// Whether it asks for nothing.
    pub(in crate::policy) fn matches_everything(&self) -> bool {
        self.methods.is_empty()
            && self.routes.is_empty()
            && self.paths.is_empty()
            && self.headers.is_empty()
            && !self.is_late()
    }

    /// Whether it asks for something that only the end tells.
    pub(in crate::policy) fn is_late(&self) -> bool {
        !self.statuses.is_empty() || self.is_later_than_status()
    }

    /// Whether it asks for something that the response's head does not tell.
    pub(in crate::policy) fn is_later_than_status(&self) -> bool {
        !self.outcomes.is_empty() || !self.actors.is_empty()
    }

    pub(in crate::policy) fn matches_head(&self, head: &Head<'_>) -> bool {
        any(&self.methods, |method| method == head.method)
            && any(&self.paths, |path| path.matches(head.path.as_bytes()))
            && any(&self.routes, |route| head.route == Some(&**route))
            && self.headers.iter().all(|(name, wildcards)| {
                let values = head.headers.get_all(name);
                let matches = |wildcard: &Wildcard| {
                    values
                        .iter()
                        .any(|value| wildcard.matches(value.as_bytes()))
                };
                wildcards.iter().any(matches)
            })
    }

    pub(in crate::policy) fn matches_status(&self, status: Option<u16>) -> bool {
        any(&self.statuses, |range| {
            status.is_some_and(|status| range.contains(status))
        })
    }

    pub(in crate::policy) fn matches_end(&self, end: &End<'_>) -> bool {
        self.matches_status(end.status)
            && any(&self.outcomes, |outcome| *outcome == end.outcome)
            && any(&self.actors, |actor| {
                end.actor.is_some_and(|id| actor.matches(id))
            })
    }

    /// What to call it by: its name, or the first thing that it asks for.
    pub(in crate::policy) fn description(&self) -> Option<String> {
        if let Some(name) = &self.name {
            return Some(format!("{name:?}"));
        }
        let text = |sort, text: &str| format!("{sort} {text:?}");
        [
            self.paths.first().map(|path| text("path", path.as_str())),
            self.routes.first().map(|route| text("route", route)),
            self.headers
                .first()
                .map(|(name, _)| text("header", name.as_str())),
            self.actors.first().map(|id| text("actor", id.as_str())),
            self.statuses.first().map(|range| format!("status {range}")),
            self.outcomes
                .first()
                .map(|outcome| format!("outcome {outcome}")),
            self.methods
                .first()
                .map(|method| format!("method {method}")),
        ]
        .into_iter()
        .find_map(|first| first)
    }
}

/// Whether a condition is met: it is not there, or one of its values will do.
fn any<T>(values: &[T], matches: impl FnMut(&T) -> bool) -> bool {
    values.is_empty() || values.iter().any(matches)
}
