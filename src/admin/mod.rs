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
//! | `GET /api/stats` | sums over the records that pass a filter, and by a dimension |
//! | `GET /api/timeseries` | the same in buckets of time |
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
//! `/api/events` answers `{"items": […], "next_cursor": …, "prev_cursor": …, "scanned_until": …}`.
//! Go on with `?cursor=` and the cursor as it was given, and with the same
//! filter. A list takes a bounded time: where it was over before the page was
//! full, `scanned_until` says how far it looked, and `next_cursor` (or
//! `prev_cursor`, for newer events) leads on from there.
//!
//! `?count=true` adds `count` and `count_accuracy`: `exact` up to 10,000 events,
//! above that an `estimate` of the database, or `at_least` where it has none.
//!
//! | Parameter | Takes |
//! |---|---|
//! | `kind` | a kind's name: `http`, `auth`, `data_change`, …, or one of the application's own |
//! | `outcome` | an [`Outcome`](crate::Outcome)'s name: `completed`, `timed_out`, … |
//! | `success`, `flagged`, `is_mobile`, `is_bot` | `true` or `false` |
//! | `method` | an HTTP method, in upper or lower case |
//! | `status` | a status code, or a class such as `4xx` |
//! | `grpc_status` | a number |
//! | `route` | the exact template |
//! | `path` | the exact path, or with a `*` at the end the start of one |
//! | `client_ip` | an address, or a network such as `192.0.2.0/24` |
//! | `min_duration`, `max_duration` | `250us`, `500ms`, `2s`, `1m` |
//! | `trace_id` | 32 hexadecimal digits |
//! | `parent_id` | an event's id |
//! | `tags` | one of the tags |
//! | `category`, `action`, `error_code`, `severity`, `component`, `service`, `operation_id`, `request_id`, `actor_kind`, `actor_id`, `actor_email`, `actor_role`, `tenant_id`, `session_id`, `resource_type`, `resource_id`, `host`, `country`, `browser`, `os`, `device` | the exact text |
//! | `from`, `to` | a time (RFC 3339): at or after `from`, before `to` |
//! | `last` | instead of those, the time that ends now: `90s`, `15m`, `24h`, `7d` |
//! | `limit` | the most records of a page, 1 to 500; defaults to 50 |
//! | `cursor` | where another page ended |
//! | `count` | `true` to count all events that pass the filter |
//!
//! Several parameters narrow the list; several values of one, as in
//! `status=404&status=5xx`, widen it to any of these. A `!` before the value
//! leaves out what it names, and events without a value stay:
//! `status=4xx&status=!404`. The times, `limit` and `cursor` take one value.
//!
//! Whatever is unknown or malformed is an error, never ignored: a
//! filter with a typing mistake must not look like an empty trail.
//!
//! # Statistics
//!
//! `/api/stats` and `/api/timeseries` take the filter of the list, and sum up
//! the last 24 hours unless it says something about time.
//!
//! | Parameter | Takes |
//! |---|---|
//! | `by` | what to break the sums down by: a [`Dimension`](crate::query::Dimension)'s name |
//! | `top` | how many of its values to tell: 1 to 100, in a series 1 to 20 |
//! | `order` | only `/api/stats`: the greatest by `events`, `failures` or `p95` first |
//! | `bucket` | only `/api/timeseries`: `30s`, `5m`, `1h`, `1d`; defaults to what makes about 60 |
//!
//! Sums are `events`, `failures`, `flagged` and `latency` (`avg_us`, `min_us`,
//! `max_us`, `p50_us`, `p95_us`, `p99_us`, or `null`). `/api/stats` answers
//! `{"totals": {…}, "groups": [{"value": "/orders", …}], "has_more_groups": …, "scanned_until": …}`,
//! `/api/timeseries`
//! `{"bucket_seconds": …, "points": [{"start": …, …}], "groups": [{"value": …, "points": […]}], …}`.
//! Events that sampling left out are counted through those that stand for them.
//!
//! Conditions on `kind`, `category`, `action`, `outcome`, `method`, `route`,
//! `tenant_id` or a class of `status`, one of them at a time, are answered at once for
//! any time, and so is `by` the same one, or by any of them without
//! conditions, in buckets of whole hours. Everything else looks at the records, newest
//! first; where its time is over, `scanned_until` says how far that went.
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
mod filter_params;
mod health;
mod list_params;
mod params;
mod problem;
mod router;
mod statistics;
mod summary;

pub use access::{Access, Authorizer, Denied, OpenToEveryone, Verdict};
pub use credentials::{BasicAuth, BearerToken};
pub use router::router;
