//! Connections without TLS, for builds without the feature `postgres-tls`.

pub(super) use tokio_postgres::NoTls as Tls;

use super::url::Security;
use crate::Error;

/// Whether the build can encrypt.
pub(super) const AVAILABLE: bool = false;

/// What makes a secure connection: here, nothing does.
pub(super) fn tls(security: &Security) -> Result<Tls, Error> {
    match security {
        Security::Disable | Security::Allow | Security::Prefer => Ok(Tls),
        Security::Require | Security::VerifyCa(_) | Security::VerifyFull(_) => {
            Err(Error::configuration(
                "the database url asks for an encrypted connection (sslmode), which needs the feature postgres-tls of tower-audit",
            ))
        }
    }
}
