//! Records as events of `tracing`.

use super::sink::Sink;
use crate::{Error, Outcome, Record};

/// A [`Sink`] that makes one event of `tracing` of each record, at level `INFO`
/// with the target `tower_audit::sink`.
///
/// Its fields are named as those of the record: `id`, `kind`, `action`,
/// `outcome`, `success`, `method`, `route`, `path`, `status`, `duration_us`, `actor_id`,
/// `tenant_id`, `resource_type`, `resource_id`, `client_ip`, `request_id`, `trace_id`. What a record does not have
/// is left out. Bodies, headers, the query, details and changes never are part of it.
///
/// The events come from the sink's own thread and outside of any span, so
/// they reach the global subscriber only.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl Sink for TracingSink {
    fn send(&mut self, record: &Record) -> Result<(), Error> {
        tracing::info!(
            target: "tower_audit::sink",
            id = %record.id,
            kind = record.kind.as_str(),
            action = record.action.as_deref(),
            outcome = record.outcome.map(Outcome::as_str),
            success = record.success,
            method = record.method.as_deref(),
            route = record.route.as_deref(),
            path = record.path.as_deref(),
            status = record.status,
            duration_us = record.duration_us,
            actor_id = record.actor_id.as_deref(),
            tenant_id = record.tenant_id.as_deref(),
            resource_type = record.resource_type.as_deref(),
            resource_id = record.resource_id.as_deref(),
            client_ip = record.client_ip.map(display),
            request_id = record.request_id.as_deref(),
            trace_id = record.trace_id.as_deref(),
            "audit record"
        );
        Ok(())
    }
}
