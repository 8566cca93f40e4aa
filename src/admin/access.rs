//! Who may read the trail, and how much of it.

use std::fmt;

use async_trait::async_trait;
use axum::http::HeaderValue;
use axum::http::request::Parts;

use crate::{Actor, Scope};

/// Decides who may read the trail.
///
/// It is asked once per request, before anything is parsed or looked up, and
/// sees the request's head with all extensions that outer layers have put
/// into it. The URI lacks the mount point, as in every nested service.
///
/// A closure that answers `bool` or `Result<Access, Denied>` is an
/// authorizer, which is all that an application with a login of its own needs:
///
/// ```
/// use axum::http::request::Parts;
/// use tower_audit::admin;
/// # use tower_audit::{AuditStore, MemoryStore};
/// # let reader = MemoryStore::new().reader().unwrap();
/// # #[derive(Clone)] struct User { is_auditor: bool }
///
/// // An outer layer of the application has put the user into the extensions.
/// let audit = admin::router(reader, |request: &Parts| {
///     request.extensions.get::<User>().is_some_and(|user| user.is_auditor)
/// });
/// # let _: axum::Router = audit;
/// ```
///
/// One that has to look something up implements the trait:
///
/// ```
/// use async_trait::async_trait;
/// use axum::http::request::Parts;
/// use tower_audit::admin::{Access, Authorizer, Denied};
/// # struct Sessions;
/// # impl Sessions { async fn is_auditor(&self, _: &str) -> Result<bool, std::io::Error> { Ok(true) } }
///
/// #[async_trait]
/// impl Authorizer for Sessions {
///     async fn authorize(&self, request: &Parts) -> Result<Access, Denied> {
///         let session = request.headers.get("x-session").and_then(|value| value.to_str().ok());
///         match self.is_auditor(session.ok_or(Denied::Forbidden)?).await {
///             Ok(true) => Ok(Access::read_all()),
///             Ok(false) => Err(Denied::Forbidden),
///             Err(_) => Err(Denied::Unavailable),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Authorizer: Send + Sync + 'static {
    /// What the sender of this request may read.
    ///
    /// # Errors
    /// If the sender may read nothing, or if that cannot be found out.
    ///
    /// # Cancel safety
    /// The future is dropped when the client hangs up.
    async fn authorize(&self, request: &Parts) -> Result<Access, Denied>;
}

#[async_trait]
impl<F, V> Authorizer for F
where
    F: Fn(&Parts) -> V + Send + Sync + 'static,
    V: Verdict,
{
    async fn authorize(&self, request: &Parts) -> Result<Access, Denied> {
        self(request).into_access()
    }
}

/// What a closure may answer when it is asked for [access](Authorizer).
pub trait Verdict {
    /// The answer in full.
    ///
    /// # Errors
    /// If the answer is no.
    fn into_access(self) -> Result<Access, Denied>;
}

/// `true` is [`Access::all`], which is without bodies, `false` is [`Denied::Forbidden`].
impl Verdict for bool {
    fn into_access(self) -> Result<Access, Denied> {
        if self {
            Ok(Access::all())
        } else {
            Err(Denied::Forbidden)
        }
    }
}

impl Verdict for Result<Access, Denied> {
    fn into_access(self) -> Self {
        self
    }
}

/// How much of the trail somebody may read, and who that is.
///
/// What is not granted is denied: [`Access::all`] shows every record, but of
/// each only who did what, when, from where and how it ended.
///
/// ```
/// use tower_audit::admin::Access;
/// use tower_audit::{Actor, Scope};
///
/// let support = Access::tenant("acme").principal(Actor::user("bob"));
/// let developer = Access::all().bodies(true).principal(Actor::user("eve"));
/// let customer = Access::actor("ada");
/// let employee = Access::within(Scope::all().tenant("acme").actor("carl"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Access {
    scope: Scope,
    bodies: bool,
    manage: bool,
    principal: Option<Actor>,
}

impl Access {
    /// Every record, without what [`bodies`](Self::bodies) grants.
    pub const fn all() -> Self {
        Self::within(Scope::all())
    }

    /// Every record, with everything in it.
    pub const fn read_all() -> Self {
        let mut access = Self::all();
        access.bodies = true;
        access
    }

    /// The records of this tenant.
    pub fn tenant(id: impl ToString) -> Self {
        Self::within(Scope::all().tenant(id))
    }

    /// The records of the actors with this id; it is that actor who asks.
    /// [`Access::within`] also takes the actor's kind.
    #[allow(clippy::needless_pass_by_value)] // ids are passed as they are
    pub fn actor(id: impl ToString) -> Self {
        let id = id.to_string();
        let scope = Scope::all().actor(&id);
        Self::within(scope).principal(Actor::of_id(id))
    }

    /// The records of this scope.
    pub const fn within(scope: Scope) -> Self {
        Self {
            scope,
            bodies: false,
            manage: false,
            principal: None,
        }
    }

    /// Sets whether requests and responses may be seen as far as they were
    /// recorded: headers, cookies' names, bodies and their digests; and what
    /// the application added: details and changes. Defaults to false.
    pub fn bodies(mut self, bodies: bool) -> Self {
        self.bodies = bodies;
        self
    }

    /// Sets whether the trail may be changed, within the scope, where the
    /// router [allows that at all](super::RouterBuilder::manage). Defaults to false.
    pub fn manage(mut self, manage: bool) -> Self {
        self.manage = manage;
        self
    }

    /// Sets who asks: for `/api/me`, for the [limits](super::Limits), and for
    /// the records of what was read. Without it, all who have the same scope
    /// share its limits.
    pub fn principal(mut self, actor: Actor) -> Self {
        self.principal = Some(actor);
        self
    }

    /// The records that may be seen.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The columns that may not be seen.
    pub(super) fn hidden_columns(&self) -> &'static [&'static str] {
        if self.bodies { &[] } else { &HIDDEN }
    }

    pub(super) fn may_manage(&self) -> bool {
        self.manage
    }

    pub(super) fn who(&self) -> Option<&Actor> {
        self.principal.as_ref()
    }
}

/// What only those see who may see bodies.
const HIDDEN: [&str; 9] = [
    "request_headers",
    "response_headers",
    "cookies",
    "request_body",
    "response_body",
    "request_digest",
    "response_digest",
    "changes",
    "details",
];

/// Why somebody may not read the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// It is not known who asks: answered with `401`.
    Unauthenticated {
        /// How to say who asks: the answer's `www-authenticate` header.
        challenge: HeaderValue,
    },
    /// It is known who asks, or it cannot be said in a request: answered with `403`.
    Forbidden,
    /// It cannot be found out at the moment: answered with `503`.
    Unavailable,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthenticated { .. } => "credentials are missing or wrong",
            Self::Forbidden => "reading the audit trail is not allowed",
            Self::Unavailable => "access cannot be checked at the moment",
        })
    }
}

impl std::error::Error for Denied {}

/// Lets everybody read everything, and change nothing.
///
/// # Security
///
/// The trail tells who did what, when and from where. Use this only in
/// tests, or where something in front of the router decides who may pass.
#[derive(Clone, Debug)]
pub struct OpenToEveryone(());

impl OpenToEveryone {
    /// Opens the trail to whoever can reach the router.
    pub const fn dangerously() -> Self {
        Self(())
    }
}

#[async_trait]
impl Authorizer for OpenToEveryone {
    async fn authorize(&self, _: &Parts) -> Result<Access, Denied> {
        Ok(Access::read_all())
    }
}
