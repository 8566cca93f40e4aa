//! What would be stored, without storing it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use super::exchange::{Exchange, Shared};
use super::settings::{ResponseBodies, Settings};
use crate::{Auditor, Outcome, Record};

impl Auditor {
    /// What would be stored of a request and its response, both bodies
    /// included: to check the rules with samples before going live. Nothing is stored.
    ///
    /// It goes the way of every request, with the default limits of a
    /// [layer](Auditor::layer), but both bodies are captured, whatever the policy says, also
    /// while the trail is paused. Bodies with a content coding are not decoded.
    /// What a handler would add is not in it.
    ///
    /// ```
    /// # use tower_audit::{Auditor, MemoryStore, Sanitizer};
    /// # let sanitizer = Sanitizer::default();
    /// use http::{Request, Response};
    ///
    /// let (auditor, _) = Auditor::builder().store(MemoryStore::new()).sanitizer(sanitizer).build()?;
    /// let request = Request::post("/login")
    ///     .header("content-type", "application/json")
    ///     .body(r#"{"user":"ada","password":"open sesame"}"#)
    ///     .expect("a valid request");
    /// let record = auditor.preview(request, Response::new(""));
    /// assert_eq!(record.request_body.as_deref(), Some(r#"{"user":"ada","password":"[redacted]"}"#));
    /// # Ok::<_, tower_audit::Error>(())
    /// ```
    pub fn preview(
        &self,
        request: Request<impl Into<Bytes>>,
        response: Response<impl Into<Bytes>>,
    ) -> Record {
        let (auditor, aside) = self.aside();
        let settings = Settings {
            response_bodies: ResponseBodies::Always,
            ..Settings::default()
        };
        let (request, response) = (request.map(Into::into), response.map(Into::into));
        let has_body = !request.body().is_empty();
        let exchange = Exchange::begin(Arc::new(Shared { auditor, settings }), &request, has_body);
        exchange.see_request(request.body());
        exchange.request_complete();
        exchange.head(response.status(), response.headers());
        exchange.see_response(response.body());
        exchange.response_complete();
        exchange.finish(Outcome::Completed);
        aside.record()
    }
}
