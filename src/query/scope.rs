//! The part of the trail that somebody is kept to.

use super::Filter;
use super::condition::{Condition, SCOPE};
use super::filter::text;
use crate::Record;

/// The part of the trail that somebody is kept to: all of it, a tenant's
/// records, an actor's, or those of an actor in a tenant.
///
/// A record without the value in question is in no such part. Values are
/// compared as they are stored: one that the [`Sanitizer`](crate::Sanitizer)
/// makes a pseudonym of is in scope by its
/// [pseudonym](crate::Auditor::pseudonym) only.
///
/// ```
/// use tower_audit::{Filter, Scope};
///
/// // A later condition narrows further and never widens, whatever it names.
/// let scope = Scope::all().tenant("acme");
/// let nothing = Filter::new().within(&scope).tenant_id("other");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Scope {
    tenant_id: Option<Box<str>>,
    actor_id: Option<Box<str>>,
    actor_kind: Option<Box<str>>,
}

impl Scope {
    /// Every record.
    pub const fn all() -> Self {
        Self {
            tenant_id: None,
            actor_id: None,
            actor_kind: None,
        }
    }

    /// Keeps to the records of this tenant.
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn tenant(mut self, id: impl ToString) -> Self {
        self.tenant_id = Some(id.to_string().into());
        self
    }

    /// Keeps to the records of the actors with this id.
    ///
    /// # Security
    /// Where a user and a service can have the same id, name the
    /// [kind](Self::actor_kind), too.
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn actor(mut self, id: impl ToString) -> Self {
        self.actor_id = Some(id.to_string().into());
        self
    }

    /// Keeps to the records of actors of this kind, such as `user`.
    pub fn actor_kind(mut self, kind: &str) -> Self {
        self.actor_kind = Some(kind.into());
        self
    }

    /// Whether it holds every record.
    pub fn is_all(&self) -> bool {
        *self == Self::all()
    }

    /// Whether a record is in it.
    pub fn holds(&self, record: &Record) -> bool {
        self.columns().all(|(column, wanted)| {
            let value = match column {
                "tenant_id" => &record.tenant_id,
                "actor_id" => &record.actor_id,
                _ => &record.actor_kind,
            };
            value.as_deref() == Some(wanted)
        })
    }

    /// The tenant that it keeps to.
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_deref()
    }

    /// The columns that it says something about, and what they have to hold.
    fn columns(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("tenant_id", &self.tenant_id),
            ("actor_id", &self.actor_id),
            ("actor_kind", &self.actor_kind),
        ]
        .into_iter()
        .filter_map(|(column, value)| Some((column, value.as_deref()?)))
    }
}

impl Filter {
    /// Only records in this scope, whatever else is asked for before or after.
    /// Those of two scopes are in both.
    #[must_use]
    pub fn within(self, scope: &Scope) -> Self {
        scope.columns().fold(self, |filter, (column, value)| {
            filter.and(Condition::new(SCOPE, column, false), text(value))
        })
    }

    /// Whether the filter keeps to a scope that does not hold every record.
    pub fn is_scoped(&self) -> bool {
        self.conditions().iter().any(Condition::is_of_scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fields;
    use crate::{Actor, EventId};

    fn record(tenant: Option<&str>, actor: Option<&str>) -> Record {
        let mut fields = Fields::new(EventId::now());
        fields.tenant_id = tenant.map(str::to_owned);
        fields.actor_id = actor.map(str::to_owned);
        fields.actor_kind = Actor::user("").kind.map(String::from);
        Record::seal(fields)
    }

    #[test]
    fn a_scope_and_its_filter_hold_the_same_records() {
        let records = [
            record(None, None),
            record(Some("a"), None),
            record(None, Some("u")),
            record(Some("a"), Some("u")),
            record(Some("b"), Some("u")),
            record(Some(""), Some("")),
        ];
        for (scope, expected) in [
            (Scope::all(), "012345"),
            (Scope::all().tenant("a"), "13"),
            (Scope::all().tenant(""), "5"),
            (Scope::all().actor("u"), "234"),
            (Scope::all().tenant("a").actor("u"), "3"),
            (Scope::all().actor("u").actor_kind("user"), "234"),
            (Scope::all().actor("u").actor_kind("service"), ""),
        ] {
            let filter = Filter::new().within(&scope);
            let passing = |test: &dyn Fn(&Record) -> bool| {
                let found = (0..records.len()).filter(|index| test(&records[*index]));
                found.map(|index| index.to_string()).collect::<String>()
            };
            assert_eq!(passing(&|record| scope.holds(record)), expected);
            assert_eq!(passing(&|record| filter.matches(record)), expected);
            assert_eq!(filter.is_scoped(), !scope.is_all());
        }
    }

    #[test]
    fn nothing_that_is_asked_for_widens_a_scope() {
        let scope = Scope::all().tenant("a");
        let foreign = record(Some("b"), Some("u"));
        for filter in [
            Filter::new().tenant_id("b").within(&scope),
            Filter::new().within(&scope).tenant_id("b"),
            Filter::new().within(&scope).tenant_id("a").tenant_id("b"),
            Filter::new().within(&scope).except().tenant_id("a"),
            Filter::new()
                .within(&scope)
                .within(&Scope::all().tenant("b")),
        ] {
            assert!(!filter.matches(&foreign));
        }
    }
}
