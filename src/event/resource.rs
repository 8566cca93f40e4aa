//! What it was done to.

/// What something was done to: a type, an id, and perhaps a name to show.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    pub(crate) kind: Box<str>,
    pub(crate) id: Box<str>,
    pub(crate) name: Option<Box<str>>,
}

impl Resource {
    /// The resource of a type (`order`) with an id.
    #[allow(clippy::needless_pass_by_value)] // `42` and `order.id` read better than `&42`
    pub fn new(kind: &str, id: impl ToString) -> Self {
        Self {
            kind: kind.into(),
            id: id.to_string().into(),
            name: None,
        }
    }

    /// Sets the name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource").finish_non_exhaustive()
    }
}
