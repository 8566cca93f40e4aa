//! An event told by hand.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Managed;
use crate::admin::problem::Problem;
use crate::{Event, EventId, Kind};

/// The fields of an event that somebody may tell of; its actor is whoever tells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    action: String,
    kind: Option<String>,
    category: Option<String>,
    description: Option<String>,
    tenant_id: Option<String>,
    session_id: Option<String>,
    operation_id: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    flag_reason: Option<String>,
    success: Option<bool>,
    error: Option<String>,
    severity: Option<String>,
    component: Option<String>,
    #[serde(default)]
    details: Map<String, Value>,
}

#[derive(Serialize)]
pub(super) struct Created {
    id: EventId,
}

/// It is accepted, not yet stored.
pub(super) async fn create(request: Managed<Told>) -> Result<(StatusCode, Json<Created>), Problem> {
    let Managed {
        trail,
        auditor,
        body,
    } = request;
    let scope = trail.access().scope();
    let tenant = match (scope.tenant_id(), &body.tenant_id) {
        (Some(own), Some(other)) if own != other => {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "Events of another tenant are not yours to tell of.",
            ));
        }
        (Some(own), _) => Some(own),
        (None, given) => given.as_deref(),
    };
    let mut event = body.event()?;
    if let Some(tenant) = tenant {
        event = event.tenant(tenant);
    }
    if let Some(actor) = trail.access().who() {
        event = event.actor(actor.clone());
    }
    let id = auditor.record(event);
    Ok((StatusCode::ACCEPTED, Json(Created { id })))
}

/// Sets a text of an event.
type Set = fn(Event, &str) -> Event;

impl Told {
    fn event(&self) -> Result<Event, Problem> {
        let mut event = Event::new(self.kind()?).action(&self.action);
        let texts: [(&Option<String>, Set); 8] = [
            (&self.category, Event::category),
            (&self.description, Event::description),
            (&self.session_id, |event, id| event.session(id)),
            (&self.operation_id, |event, id| event.operation(id)),
            (&self.flag_reason, Event::flag),
            (&self.error, |event, text| event.error(text)),
            (&self.severity, Event::severity),
            (&self.component, Event::component),
        ];
        for (text, set) in texts {
            if let Some(text) = text {
                event = set(event, text);
            }
        }
        match (&self.resource_type, &self.resource_id) {
            (Some(kind), Some(id)) => event = event.resource(kind, id),
            (None, None) => {}
            _ => {
                return Err(Problem::bad_request(
                    "The fields `resource_type` and `resource_id` go together.",
                ));
            }
        }
        if let Some(success) = self.success {
            event = event.success(success);
        }
        event = self.tags.iter().fold(event, |event, tag| event.tag(tag));
        let details = self.details.iter();
        Ok(details.fold(event, |event, (name, value)| event.detail(name, value)))
    }

    /// What the trail says by itself nobody else may say.
    fn kind(&self) -> Result<Kind, Problem> {
        let kind = self.kind.as_deref().unwrap_or(Kind::Activity.as_str());
        let kind = kind
            .parse()
            .ok()
            .filter(|kind| !matches!(kind, Kind::Http | Kind::Outbound | Kind::Gap | Kind::Read));
        kind.ok_or_else(|| {
            Problem::bad_request(
                "The field `kind` takes `activity`, `auth`, `data_access`, `data_change`, `system` or a kind of your own.",
            )
            .parameter("kind")
        })
    }
}
