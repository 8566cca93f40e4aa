//! Fixed credentials in the `authorization` header.

use std::fmt;

use async_trait::async_trait;
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{Access, Authorizer, Denied};
use crate::Actor;

/// One user with one password (RFC 7617); a browser asks for them by itself.
///
/// The user reads everything, bodies included, and changes nothing, unless
/// [`access`](Self::access) says otherwise.
#[derive(Clone)]
pub struct BasicAuth {
    access: Access,
    user: Secret,
    password: Secret,
}

impl BasicAuth {
    /// Lets in who knows both.
    ///
    /// # Panics
    /// If either is empty or holds control characters (a line break read
    /// along from a file, say), or if `user` holds a colon: a router that
    /// nobody or anybody can open must not start.
    pub fn new(user: &str, password: &str) -> Self {
        assert!(!user.is_empty(), "basic auth needs a user");
        assert!(!password.is_empty(), "basic auth needs a password");
        assert!(
            !user.contains(':'),
            "a user of basic auth cannot hold a colon"
        );
        assert!(
            !user.chars().chain(password.chars()).any(char::is_control),
            "a user or a password of basic auth cannot hold control characters, such as a line break"
        );
        Self {
            access: Access::read_all().principal(Actor::user(user)),
            user: Secret::new(user.as_bytes()),
            password: Secret::new(password.as_bytes()),
        }
    }

    /// Sets what the user may read, and as whom. Defaults to
    /// [`Access::read_all`], as an [`Actor::user`] of the user's name.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    fn lets_in(&self, request: &Parts) -> bool {
        let Some(decoded) = credentials(request, "Basic")
            .and_then(|credentials| BASE64_STANDARD.decode(credentials).ok())
        else {
            return false;
        };
        let Some(colon) = decoded.iter().position(|byte| *byte == b':') else {
            return false;
        };
        let (user, password) = (&decoded[..colon], &decoded[colon + 1..]);
        // Both are always compared: a wrong user takes as long as a right one.
        (self.user.is(user) & self.password.is(password)).into()
    }
}

#[async_trait]
impl Authorizer for BasicAuth {
    async fn authorize(&self, request: &Parts) -> Result<Access, Denied> {
        if self.lets_in(request) {
            return Ok(self.access.clone());
        }
        let challenge = HeaderValue::from_static(r#"Basic realm="audit", charset="UTF-8""#);
        Err(Denied::Unauthenticated { challenge })
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth").finish_non_exhaustive()
    }
}

/// One token (RFC 6750), for programs.
///
/// Who has it reads everything, bodies included, and changes nothing, unless
/// [`access`](Self::access) says otherwise.
#[derive(Clone)]
pub struct BearerToken {
    access: Access,
    token: Secret,
}

impl BearerToken {
    /// Bytes that a token has at least.
    pub const MIN_BYTES: usize = 16;

    /// Lets in who knows the token. Make it of random bytes.
    ///
    /// # Panics
    /// If the token is shorter than [`BearerToken::MIN_BYTES`], or holds
    /// anything but `A-Z a-z 0-9 - . _ ~ + /` and trailing `=`: such a token
    /// could be guessed, or could not be sent.
    pub fn new(token: &str) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let characters = token.trim_end_matches('=');
        assert!(
            token.len() >= Self::MIN_BYTES,
            "a bearer token needs at least {} characters",
            Self::MIN_BYTES
        );
        assert!(
            !characters.is_empty() && characters.bytes().all(allowed),
            "a bearer token can only hold A-Z, a-z, 0-9, '-', '.', '_', '~', '+', '/' and '=' at its end"
        );
        Self {
            access: Access::read_all(),
            token: Secret::new(token.as_bytes()),
        }
    }

    /// Sets what the token allows to read, and as whom. Defaults to
    /// [`Access::read_all`], as nobody in particular.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }
}

#[async_trait]
impl Authorizer for BearerToken {
    async fn authorize(&self, request: &Parts) -> Result<Access, Denied> {
        let given = credentials(request, "Bearer");
        if given.is_some_and(|token| self.token.is(token.as_bytes()).into()) {
            return Ok(self.access.clone());
        }
        let challenge = HeaderValue::from_static("Bearer");
        Err(Denied::Unauthenticated { challenge })
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").finish_non_exhaustive()
    }
}

/// What follows `scheme` in the request's only `authorization` header.
fn credentials<'a>(request: &'a Parts, scheme: &str) -> Option<&'a str> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return None;
    };
    let (given, credentials) = header.to_str().ok()?.split_once(' ')?;
    given
        .eq_ignore_ascii_case(scheme)
        .then(|| credentials.trim_matches(' '))
}

/// A secret as its digest: comparing takes as long as the guess is long,
/// whatever the secret's length and wherever the two differ.
#[derive(Clone)]
struct Secret([u8; 32]);

impl Secret {
    fn new(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    fn is(&self, guess: &[u8]) -> Choice {
        self.0.ct_eq(&Self::new(guess).0)
    }
}
