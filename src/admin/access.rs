//! Who may read the trail, and how much of it.

use std::fmt;

use async_trait::async_trait;
use axum::http::HeaderValue;
use axum::http::request::Parts;

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

/// `true` is [`Access::read_all`], `false` is [`Denied::Forbidden`].
impl Verdict for bool {
    fn into_access(self) -> Result<Access, Denied> {
        if self {
            Ok(Access::read_all())
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

/// How much of the trail somebody may read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {}

impl Access {
    /// Every record, with everything in it.
    pub const fn read_all() -> Self {
        Self {}
    }
}

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

/// Lets everybody read everything.
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
