//! The trail over HTTP: a router to mount in an Axum application.
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
//! | `GET /api/events/{id}/timeline` | what happened around it, oldest first, by `?by=` `operation_id`, `trace_id`, `request_id` or `session_id`, or by the first of these that it has; with what it has caused, and with gap events between |
//! | `GET /api/me` | the records of whoever asks, as a list |
//! | `GET /api/export` | all records that pass a filter, with all their columns, as a file |
//! | `GET /api/live` | new records as they are stored, as server-sent events |
//! | `GET /api/stats` | sums over the records that pass a filter, and by a dimension |
//! | `GET /api/timeseries` | the same in buckets of time |
//! | `GET /api/health` | whether the trail can be read |
//!
//! It only reads, unless the application [wants more](RouterBuilder::manage);
//! see [below](self#management).
//!
//! # Who may read
//!
//! Nobody, until the application says who: there is no router without an
//! [`Authorizer`]. Ready-made are [`BasicAuth`] and [`BearerToken`]; a
//! closure over the request's head serves applications that know their users
//! already. It is asked before anything else, also for paths that do not exist.
//!
//! It answers with an [`Access`]: to which part of the trail, whether with
//! bodies, and who it is that asks. Every route keeps to it. What is out of
//! scope is not there: not in lists, counts and cursors, and as a detail it is
//! answered like an event that does not exist. Of what may not be seen of an
//! event only the names are told, as `hidden_columns` of its detail.
//!
//! What [`Auditor::router`](crate::Auditor::router) shows is recorded in the
//! trail, by events of the kind `read`: every detail, and lists where the
//! [builder](RouterBuilder::record_lists) says so.
//!
//! Everybody can ask so often a minute as [`Limits`] say; then the answer is `429`.
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
//! # Management
//!
//! Where the [builder](RouterBuilder::manage) says so, those can change the
//! trail whose [`Access::manage`] says so, within their scope:
//!
//! | Under the mount point | Takes, as JSON | Does |
//! |---|---|---|
//! | `POST /api/events` | `action`, and optionally `kind`, `category`, `description`, `tenant_id`, `session_id`, `operation_id`, `resource_type` with `resource_id`, `tags`, `flag_reason`, `success`, `error`, `severity`, `component`, `details` | records an event, whose actor is the principal: `202` with its `id` |
//! | `PATCH /api/events/{id}/flag` | `flagged`, and optionally `reason` | flags an event, or takes its flag away: `204` |
//! | `POST /api/purge` | `filter`, as a query string of a list; `dry_run`, `true` unless told otherwise | counts or deletes the events that pass: `deleted`, and with `is_complete: false` the same request deletes more |
//!
//! The body must be `application/json`, of at most 64 KiB. What a browser
//! sends from a page of another origin (`origin`, `sec-fetch-site`) is
//! refused. Flags and purges are recorded with who asked, the filter and the number of events.
//!
//! # Exports
//!
//! `/api/export` takes the parameters of a filter, `format` (`csv`, which is
//! the default, `json` for one array or `ndjson` for a record per line) and
//! `cursor`. The records come newest first, in the order of their ids, for as
//! long as it takes.
//!
//! An export that was cut off never looks like a whole one to the client that
//! reads it: the connection breaks, and the array of `json` stays open. To
//! go on after the last record that came in whole, ask again with that
//! record's `id` as `cursor`. Four exports can be under way at once; a
//! client that takes nothing for a minute loses its own.
//!
//! The cells of a CSV file are safe to open with a spreadsheet: text that it
//! could take for a formula, at the start of a cell or of a line in it, has an
//! apostrophe before it. A program that reads the file takes it away again:
//! it is the first character of a line whose next ones, without spaces and
//! quotation marks, start with `=`, `+`, `-`, `@` or a wide form of those;
//! or of a cell that goes on, after any more apostrophes, with a tab or the end of a line. Numbers are
//! numbers, lists and documents are JSON, and a missing value looks like an
//! empty text.
//!
//! # Live
//!
//! `/api/live` takes the parameters of a filter and goes on for as long as the
//! client listens: an event of `text/event-stream` for each new record,
//! with its id as `id:` and the record as on a list as `data:`. Every 15
//! seconds there is a comment, too. In a browser an `EventSource` is
//! all it takes.
//!
//! It tells of what is stored, whichever instance stores it and however long
//! ago it happened. That is not the order of the ids. A client that comes back
//! with the header `last-event-id`, as browsers do by themselves, is told of
//! all since 30 seconds before that event, so of some of it twice: go by the
//! id. What it is not told of is a record that was stored while it was away
//! and happened before those 30 seconds, such as a request that took long.
//! The same holds while the store cannot tell of new records but only be
//! asked for them: a SQLite file that another process writes to, or a
//! PostgreSQL server that takes no `LISTEN`, as a standby.
//!
//! A client that does not keep up loses the connection: one that takes nothing
//! for ten seconds, or is to be told of more than 100,000 records within
//! a minute. 32 clients can listen at once. Who may listen is decided once,
//! at the start.
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
//! It does not limit attempts at a password: [`Limits`] are for those who got in. And it does not encrypt: put a
//! rate limiter and TLS in front, as for the rest of the application.

mod access;
mod builder;
mod credentials;
mod events;
mod export;
mod filter_params;
mod health;
mod limits;
mod list_params;
mod live;
mod manage;
mod me;
mod operation;
mod params;
mod problem;
mod reading;
mod router;
mod scoped;
mod statistics;
mod stream;
mod summary;
mod timeline;
mod trail;

pub use access::{Access, Authorizer, Denied, OpenToEveryone, Verdict};
pub use builder::RouterBuilder;
pub use credentials::{BasicAuth, BearerToken};
pub use limits::Limits;
pub use router::router;
