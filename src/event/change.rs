//! What a change made of a thing.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Resource, limits};
use crate::Error;

/// How a thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeOperation {
    /// It did not exist before.
    Created,
    /// It existed before and after.
    Updated,
    /// It does not exist any more.
    Deleted,
}

impl ChangeOperation {
    /// The name under which the operation is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// One thing's state before and after a change, sanitized like a body before it is stored.
///
/// ```
/// use tower_audit::Change;
///
/// #[derive(serde::Serialize)]
/// struct Order { item: String, count: u32 }
///
/// let before = Order { item: "tea".into(), count: 1 };
/// let after = Order { item: "tea".into(), count: 2 };
/// let change = Change::updated("order", 7, &before, &after)?;
/// assert_eq!(change.changed(), ["count"]);
/// # Ok::<_, tower_audit::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Change {
    pub(crate) resource: Resource,
    pub(crate) operation: ChangeOperation,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    changed: Vec<String>,
}

impl Change {
    /// Something new.
    ///
    /// # Errors
    /// If `after` cannot be serialized, or takes more than [`limits::DETAIL_BYTES`] as JSON.
    pub fn created(kind: &str, id: impl ToString, after: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(
            Resource::new(kind, id),
            ChangeOperation::Created,
            None,
            Some(state(after)?),
        ))
    }

    /// Something that is different now. Which top-level fields differ is computed.
    ///
    /// # Errors
    /// If a state cannot be serialized, or takes more than [`limits::DETAIL_BYTES`] as JSON.
    pub fn updated(
        kind: &str,
        id: impl ToString,
        before: &impl Serialize,
        after: &impl Serialize,
    ) -> Result<Self, Error> {
        Ok(Self::new(
            Resource::new(kind, id),
            ChangeOperation::Updated,
            Some(state(before)?),
            Some(state(after)?),
        ))
    }

    /// Something that is gone.
    ///
    /// # Errors
    /// If `before` cannot be serialized, or takes more than [`limits::DETAIL_BYTES`] as JSON.
    pub fn deleted(kind: &str, id: impl ToString, before: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(
            Resource::new(kind, id),
            ChangeOperation::Deleted,
            Some(state(before)?),
            None,
        ))
    }

    fn new(
        resource: Resource,
        operation: ChangeOperation,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Self {
        let changed = match (&before, &after) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => differing(before, after),
            _ => Vec::new(),
        };
        Self {
            resource,
            operation,
            before,
            after,
            changed,
        }
    }

    /// The names of the top-level fields that differ, sorted; empty unless
    /// both states are there and are objects.
    pub fn changed(&self) -> &[String] {
        &self.changed
    }

    /// The change as one JSON object, still raw.
    pub(crate) fn to_json(&self) -> String {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("resource_type", self.resource.kind.as_ref().into());
        put("resource_id", self.resource.id.as_ref().into());
        put("operation", self.operation.as_str().into());
        if let Some(before) = &self.before {
            put("before", before.clone());
        }
        if let Some(after) = &self.after {
            put("after", after.clone());
        }
        if self.operation == ChangeOperation::Updated {
            put("changed", self.changed.clone().into());
        }
        Value::Object(object).to_string()
    }
}

fn state(value: &impl Serialize) -> Result<Value, Error> {
    // The source may quote the value, so it is not chained.
    let unusable = |message| Error::invalid_input("change", message);
    let text = serde_json::to_string(value)
        .map_err(|_| unusable("a state of a change cannot be written as json"))?;
    if text.len() > limits::DETAIL_BYTES {
        return Err(unusable(
            "a state of a change is larger than 65536 bytes as json",
        ));
    }
    serde_json::from_str(&text).map_err(|_| unusable("a state of a change is nested too deeply"))
}

fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.retain(|key| before.get(*key) != after.get(*key));
    keys.into_iter().cloned().collect()
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
