//! The layer around a service, and what a handler sees of it.
//!
//! [`AuditLayer`] wraps any `Service<http::Request<B>>`. Each request gets an
//! exchange, which its wrappers share: [`RequestBody`], [`ResponseFuture`]
//! and [`ResponseBody`] tell it what they see, the handler enriches it
//! through [`AuditContext`], and whoever notices the end first finishes it.

mod admission;
mod audited;
mod body;
mod capture;
mod context;
#[cfg(feature = "decode")]
mod decode;
mod ending;
mod exchange;
mod future;
mod guard;
mod head;
mod layer;
mod meter;
mod peer;
mod preview;
mod reading;
mod refusal;
#[cfg(feature = "axum")]
mod routing;
#[cfg(not(feature = "axum"))]
#[path = "no_routing.rs"]
mod routing;
mod sampling;
mod service;
mod settings;

pub use audited::{Audited, AuditedFuture, AuditedService, audited};
pub use body::{RequestBody, ResponseBody};
pub use context::AuditContext;
pub use future::ResponseFuture;
pub use layer::AuditLayer;
pub use peer::PeerAddr;
pub use service::Audit;
pub use settings::ResponseBodies;
