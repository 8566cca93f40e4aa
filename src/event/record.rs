//! What is stored.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Column, EventId, Json, Kind, Level, Outcome, Timestamp, Value, lean};
use crate::Error;

/// One row of the trail: sanitized, and read-only.
///
/// Its [`Fields`] can be read as if they were its own (`record.path`). Only
/// the sanitizer makes records from raw data, and nobody can write into one,
/// so whatever takes a record takes sanitized data:
///
/// ```compile_fail
/// fn leak(mut record: tower_audit::Record) {
///     record.request_body = Some("secret".to_owned());
/// }
/// ```
///
/// Stores that read back what they wrote use [`Record::from_columns`] or `Deserialize`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(Box<Fields>);

/// The fields of a [`Record`]. A field's name is also the column's, the JSON
/// key's and the CSV header's.
///
/// Durations are in microseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fields {
    /// Identity and order; its time is `occurred_at`.
    pub id: EventId,
    /// When it happened, in UTC; the time of the id.
    pub occurred_at: Timestamp,
    /// The sort of event.
    pub kind: Kind,
    /// The group of actions that the action belongs to.
    pub category: Option<String>,
    /// What was done, as a short name.
    pub action: Option<String>,
    /// A sentence for people.
    pub description: Option<String>,
    /// How the exchange ended; only for HTTP events.
    pub outcome: Option<Outcome>,
    /// Whether it succeeded: ended well with a status below 400, or said so by hand.
    pub success: bool,
    /// What went wrong, sanitized.
    pub error: Option<String>,
    /// The application's code for what went wrong.
    pub error_code: Option<String>,
    /// How grave it is.
    pub severity: Option<String>,
    /// The part of the service that it happened in.
    pub component: Option<String>,
    /// Where in the code it happened, sanitized.
    pub stack_trace: Option<String>,
    /// The service that was called; only for outbound calls.
    pub service: Option<String>,
    /// Whether somebody should look at it.
    pub flagged: bool,
    /// Why somebody should look at it.
    pub flag_reason: Option<String>,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// How many events this one stands for, where events are sampled; otherwise 1.
    pub sample_weight: f64,
    /// How much was recorded; only for HTTP events.
    pub level: Option<Level>,
    /// The event that caused this one.
    pub parent_id: Option<EventId>,
    /// The operation that several events share.
    pub operation_id: Option<String>,
    /// The request: from `x-request-id`, otherwise the event's own id.
    pub request_id: Option<String>,
    /// The W3C trace id, 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// The caller's W3C span id, 16 hexadecimal digits.
    pub span_id: Option<String>,
    /// What the actor is: `user`, `service`, ….
    pub actor_kind: Option<String>,
    /// Who did it.
    pub actor_id: Option<String>,
    /// The actor's name to show.
    pub actor_name: Option<String>,
    /// The actor's e-mail address.
    pub actor_email: Option<String>,
    /// The role in which the actor acted.
    pub actor_role: Option<String>,
    /// The tenant in which it happened.
    pub tenant_id: Option<String>,
    /// The session in which it happened.
    pub session_id: Option<String>,
    /// The type of what it was done to.
    pub resource_type: Option<String>,
    /// The id of what it was done to.
    pub resource_id: Option<String>,
    /// The name of what it was done to.
    pub resource_name: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// The path of the URL, as it was sent.
    pub path: Option<String>,
    /// The template that the router matched, such as `/orders/{id}`.
    pub route: Option<String>,
    /// The query string, sanitized.
    pub query: Option<String>,
    /// The HTTP version: `1.0`, `1.1`, `2` or `3`.
    pub http_version: Option<String>,
    /// The host that was asked for.
    pub host: Option<String>,
    /// The response's status code.
    pub status: Option<u16>,
    /// The status code of a gRPC call, from its trailers.
    pub grpc_status: Option<u16>,
    /// From the request's arrival to the response's head.
    pub ttfb_us: Option<i64>,
    /// From the request's arrival to the response's end.
    pub duration_us: Option<i64>,
    /// The request body's size, as far as it was read.
    pub request_bytes: Option<i64>,
    /// The response body's size, as far as it was sent.
    pub response_bytes: Option<i64>,
    /// The request's `content-type`.
    pub request_content_type: Option<String>,
    /// The response's `content-type`.
    pub response_content_type: Option<String>,
    /// The request's headers, as far as they are allowed.
    pub request_headers: Option<Json>,
    /// The response's headers, as far as they are allowed.
    pub response_headers: Option<Json>,
    /// The names of the request's cookies.
    pub cookies: Vec<String>,
    /// The request body, sanitized; or a placeholder with type and size.
    pub request_body: Option<String>,
    /// The response body, sanitized; or a placeholder with type and size.
    pub response_body: Option<String>,
    /// Whether there was more of the request body than was kept.
    pub request_truncated: bool,
    /// Whether there was more of the response body than was kept.
    pub response_truncated: bool,
    /// How the request body's bytes became text: `utf-8` or `lossy`, behind
    /// its coding and a plus where it was decoded: `gzip+utf-8`.
    pub request_encoding: Option<String>,
    /// How the response body's bytes became text: as for the request.
    pub response_encoding: Option<String>,
    /// The keyed digest of the whole request body, such as `hmac:k1:9f86…`, where
    /// a layer [makes one](crate::AuditLayer::digest_bodies).
    pub request_digest: Option<String>,
    /// The keyed digest of the whole response body, likewise.
    pub response_digest: Option<String>,
    /// The client's address, told only by trusted proxies.
    pub client_ip: Option<IpAddr>,
    /// The client's address as a keyed pseudonym.
    pub client_ip_hash: Option<String>,
    /// The address at the other end of the connection.
    pub peer_ip: Option<IpAddr>,
    /// The chain of addresses that the request claims, as it was sent.
    pub forwarded: Option<String>,
    /// The client's country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The client's region.
    pub region: Option<String>,
    /// The client's city.
    pub city: Option<String>,
    /// The client's latitude in degrees.
    pub latitude: Option<f64>,
    /// The client's longitude in degrees.
    pub longitude: Option<f64>,
    /// The number of the client's autonomous system.
    pub asn: Option<i64>,
    /// The name of the client's network.
    pub isp: Option<String>,
    /// The `user-agent` header.
    pub user_agent: Option<String>,
    /// The browser's name.
    pub browser: Option<String>,
    /// The browser's version.
    pub browser_version: Option<String>,
    /// The operating system's name.
    pub os: Option<String>,
    /// The operating system's version.
    pub os_version: Option<String>,
    /// The device's model.
    pub device: Option<String>,
    /// Whether the device is a mobile one.
    pub is_mobile: Option<bool>,
    /// Whether the client is a robot.
    pub is_bot: Option<bool>,
    /// What changed: an array of objects, sanitized.
    pub changes: Option<Json>,
    /// What the application added: an object, sanitized.
    pub details: Option<Json>,
    /// What was cut, replaced or left out while capturing.
    pub capture_notes: Vec<String>,
    /// The writer that stored it.
    pub writer_id: Option<Uuid>,
    /// The record's place in its writer's chain.
    pub writer_seq: Option<i64>,
    /// The link of the integrity chain, in hexadecimal digits.
    pub integrity_hash: Option<String>,
    /// When personal data was erased from it.
    pub erased_at: Option<Timestamp>,
}

impl Fields {
    pub(crate) fn new(id: EventId) -> Self {
        Self {
            id,
            occurred_at: id.timestamp(),
            kind: Kind::Http,
            category: None,
            action: None,
            description: None,
            outcome: None,
            success: true,
            error: None,
            error_code: None,
            severity: None,
            component: None,
            stack_trace: None,
            service: None,
            flagged: false,
            flag_reason: None,
            tags: Vec::new(),
            sample_weight: 1.0,
            level: None,
            parent_id: None,
            operation_id: None,
            request_id: None,
            trace_id: None,
            span_id: None,
            actor_kind: None,
            actor_id: None,
            actor_name: None,
            actor_email: None,
            actor_role: None,
            tenant_id: None,
            session_id: None,
            resource_type: None,
            resource_id: None,
            resource_name: None,
            method: None,
            path: None,
            route: None,
            query: None,
            http_version: None,
            host: None,
            status: None,
            grpc_status: None,
            ttfb_us: None,
            duration_us: None,
            request_bytes: None,
            response_bytes: None,
            request_content_type: None,
            response_content_type: None,
            request_headers: None,
            response_headers: None,
            cookies: Vec::new(),
            request_body: None,
            response_body: None,
            request_truncated: false,
            response_truncated: false,
            request_encoding: None,
            response_encoding: None,
            request_digest: None,
            response_digest: None,
            client_ip: None,
            client_ip_hash: None,
            peer_ip: None,
            forwarded: None,
            country: None,
            region: None,
            city: None,
            latitude: None,
            longitude: None,
            asn: None,
            isp: None,
            user_agent: None,
            browser: None,
            browser_version: None,
            os: None,
            os_version: None,
            device: None,
            is_mobile: None,
            is_bot: None,
            changes: None,
            details: None,
            capture_notes: Vec::new(),
            writer_id: None,
            writer_seq: None,
            integrity_hash: None,
            erased_at: None,
        }
    }
}

impl Record {
    /// Closes the fields. Called by the sanitizer alone, and by what reads a store.
    pub(crate) fn seal(fields: impl Into<Box<Fields>>) -> Self {
        Self(fields.into())
    }

    /// Leaves its bodies out, if it has any, with a note.
    pub(crate) fn leave_bodies_out(&mut self) {
        let fields = &mut self.0;
        let (request, response) = (fields.request_body.take(), fields.response_body.take());
        fields.request_truncated |= request.is_some();
        fields.response_truncated |= response.is_some();
        if request.is_some() || response.is_some() {
            fields.capture_notes.push(lean::NOTE.to_owned());
        }
    }

    /// The record without the columns that [lists leave out](Column::is_compact).
    pub(crate) fn compact(&self) -> Self {
        let mut fields = Box::new(Fields::new(self.id));
        for column in Column::all().iter().filter(|column| column.is_compact()) {
            column
                .set(&mut fields, column.get(self))
                .expect("a value fits the column that it came from");
        }
        Self::seal(fields)
    }

    /// Sets whether somebody should look at it, and why.
    pub(crate) fn set_flag(&mut self, flagged: bool, reason: Option<&str>) {
        self.0.flagged = flagged;
        self.0.flag_reason = reason.map(str::to_owned);
    }

    /// Leaves out what these columns hold, which are none that every record has.
    #[cfg(feature = "admin")]
    pub(crate) fn leave_out(&mut self, columns: &[&str]) {
        for column in Column::all() {
            if columns.contains(&column.name()) {
                column
                    .set(&mut self.0, Value::Null)
                    .expect("only columns that may be empty are left out");
            }
        }
    }

    /// A record from a stored row: `read` is asked for each column in the
    /// order of [`Column::all`] and answers [`Value::Null`] for what it does not have.
    ///
    /// Meant for stores that give back what they were given.
    ///
    /// # Errors
    /// If `read` fails, if `id` is missing, or if a value does not fit its column.
    pub fn from_columns<'a>(
        mut read: impl FnMut(&Column) -> Result<Value<'a>, Error>,
    ) -> Result<Self, Error> {
        let [id, rest @ ..] = Column::all() else {
            return Err(Error::internal("a record has no columns"));
        };
        let Value::Uuid(uuid) = read(id)? else {
            return Err(Error::internal("a stored record has no id"));
        };
        let mut fields = Box::new(Fields::new(EventId::from(uuid)));
        for column in rest {
            column.set(&mut fields, read(column)?)?;
        }
        Ok(Self::seal(fields))
    }
}

impl From<&Record> for EventId {
    fn from(record: &Record) -> Self {
        record.id
    }
}

impl Deref for Record {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
