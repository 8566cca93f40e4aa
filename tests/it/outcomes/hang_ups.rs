//! What tells a client that has gone from a body that is broken otherwise.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_audit::{Outcome, RequestBody};

use super::{Scripted, Step, Trail};

/// What a server's error for a connection looks like.
#[derive(Debug)]
struct Hidden(std::io::Error);

impl std::fmt::Display for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("error reading a body from connection")
    }
}

impl std::error::Error for Hidden {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_a_decoder_finds_too_short_is_not_a_client_that_has_gone() {
    use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
    let error = std::io::Error::from;
    let errors: [(BoxError, Outcome); 5] = [
        (error(UnexpectedEof).into(), Outcome::Completed),
        (
            axum::Error::new(error(UnexpectedEof)).into(),
            Outcome::Completed,
        ),
        (Hidden(error(UnexpectedEof)).into(), Outcome::AbortedMidBody),
        (
            axum::Error::new(Hidden(error(UnexpectedEof))).into(),
            Outcome::AbortedMidBody,
        ),
        (error(ConnectionReset).into(), Outcome::AbortedMidBody),
    ];
    for (error, outcome) in errors {
        let trail = Trail::new();
        let service = trail.auditor.layer().layer(service_fn(
            |request: Request<RequestBody<Scripted>>| async move {
                let answer = match request.into_body().collect().await {
                    Ok(_) => StatusCode::OK,
                    Err(_) => StatusCode::BAD_REQUEST,
                };
                Ok::<_, Infallible>(
                    Response::builder()
                        .status(answer)
                        .body(Body::empty())
                        .unwrap(),
                )
            },
        ));
        let body = Scripted(vec![Step::Data("ab"), Step::Error(error)]);
        let response = service.oneshot(Request::new(body)).await.unwrap();
        assert_eq!(response.status(), 400);
        response.into_body().collect().await.unwrap();
        assert_eq!(trail.outcome().await, outcome);
    }
}
