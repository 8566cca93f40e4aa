//! The trail over HTTP: a read-only router to mount in an Axum application.
//!
//! ```
//! use axum::Router;
//! use tower_audit::admin::{self, BasicAuth};
//! use tower_audit::{AuditStore, MemoryStore};
//!
//! # fn app(password: &str) -> Router {
//! let reader = MemoryStore::new().reader().expect("a memory store can be read");
//! Router::new().nest_service("/audit", admin::router(reader, BasicAuth::new("admin", password)))
//! # }
//! # app("correct horse");
//! ```
//!
//! | Under the mount point | Answers |
//! |---|---|
//! | `GET /` | what there is |
//! | `GET /api/events` | records, newest first, with their [compact](crate::event::Column::is_compact) columns |
//! | `GET /api/events/{id}` | one record with all its columns |
//! | `GET /api/health` | whether the trail can be read |
//!
//! # Who may read
//!
//! Nobody, until the application says who: there is no router without an
//! [`Authorizer`]. Ready-made are [`BasicAuth`] and [`BearerToken`]; a
//! closure over the request's head serves applications that know their users
//! already. It is asked before anything else, also for paths that do not exist.
//!
//! # Lists
//!
//! `/api/events` answers `{"items": […], "next_cursor": …, "prev_cursor": …}`.
//! Go on with `?cursor=` and the cursor as it was given, and with the same filter.
//!
//! | Parameter | Takes |
//! |---|---|
//! | `kind` | a kind's name: `http`, `auth`, `data_change`, …, or one of the application's own |
//! | `action`, `actor_id`, `tenant_id`, `request_id` | the exact text |
//! | `outcome` | an [`Outcome`](crate::Outcome)'s name: `completed`, `timed_out`, … |
//! | `success` | `true` or `false` |
//! | `method` | an HTTP method, in upper or lower case |
//! | `status` | a status code |
//! | `route` | the exact template |
//! | `path` | the exact path, or with a `*` at the end the start of one |
//! | `trace_id` | 32 hexadecimal digits |
//! | `from`, `to` | a time (RFC 3339): at or after `from`, before `to` |
//! | `last` | instead of those, the time that ends now: `90s`, `15m`, `24h`, `7d` |
//! | `limit` | the most records of a page, 1 to 500; defaults to 50 |
//! | `cursor` | where another page ended |
//!
//! Whatever is unknown, repeated or malformed is an error, never ignored: a
//! filter with a typing mistake must not look like an empty trail.
//!
//! # Errors
//!
//! Errors are `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
//! `detail` is a sentence for people; `parameter` names the parameter
//! concerned, if there is one. Neither repeats a value of the request, and
//! what went wrong inside a store is only logged.
//!
//! # What it does not do
//!
//! It does not limit attempts at a password, and it does not encrypt: put a
//! rate limiter and TLS in front, as for the rest of the application.

mod access;
mod credentials;
mod events;
mod health;
mod list_params;
mod params;
mod problem;
mod router;
mod summary;

pub use access::{Access, Authorizer, Denied, OpenToEveryone, Verdict};
pub use credentials::{BasicAuth, BearerToken};
pub use router::router;
