//! Who did it.

/// Who did it: the user, service or key on whose behalf a request runs.
///
/// ```
/// use tower_audit::Actor;
///
/// let actor = Actor::user(42).email("ada@example.com").role("admin");
/// ```
///
/// The fields cannot be printed: an actor is raw data until the sanitizer has seen it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Actor {
    pub(crate) kind: Option<Box<str>>,
    pub(crate) id: Option<Box<str>>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) email: Option<Box<str>>,
    pub(crate) role: Option<Box<str>>,
}

impl Actor {
    /// A person, by the id that the application knows them by.
    pub fn user(id: impl ToString) -> Self {
        Self::new("user", id)
    }

    /// Another program, by its name or id.
    pub fn service(id: impl ToString) -> Self {
        Self::new("service", id)
    }

    /// An actor of any kind, such as `api_key` or `device`.
    #[allow(clippy::needless_pass_by_value)] // `42` and `user.id` read better than `&42`
    pub fn new(kind: &str, id: impl ToString) -> Self {
        Self {
            kind: Some(kind.into()),
            id: Some(id.to_string().into()),
            ..Self::default()
        }
    }

    /// An actor of whom nothing but the id is known.
    #[cfg(feature = "admin")]
    pub(crate) fn of_id(id: String) -> Self {
        Self {
            id: Some(id.into()),
            ..Self::default()
        }
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<Box<str>>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the role in which the actor acts.
    #[must_use]
    pub fn role(mut self, role: impl Into<Box<str>>) -> Self {
        self.role = Some(role.into());
        self
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").finish_non_exhaustive()
    }
}
