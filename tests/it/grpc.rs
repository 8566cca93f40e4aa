//! A gRPC service under the layer: what its client sees, and the status that is recorded.

use std::pin::Pin;

use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{Request as HttpRequest, Response as HttpResponse, Uri};
use bytes::{Buf, BufMut};
use futures_util::{Stream, StreamExt, stream};
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2 as server;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming};
use tonic::{Code, Request, Response, Status};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, service_fn};
use tower_audit::{Outcome, Record, ResponseBodies};

use crate::support::{assert_accounted, started};

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(uint32, tag = "1")]
    number: u32,
    #[prost(string, tag = "2")]
    item: String,
}

/// Messages by `prost`, as generated code has them.
#[derive(Clone, Copy, Default)]
struct Prost;

impl Codec for Prost {
    type Encode = Order;
    type Decode = Order;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Prost {
    type Item = Order;
    type Error = Status;

    fn encode(&mut self, order: Order, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&order.encode_to_vec());
        Ok(())
    }
}

impl Decoder for Prost {
    type Item = Order;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Order>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let order = Order::decode(bytes).map_err(|error| Status::internal(error.to_string()))?;
        Ok(Some(order))
    }
}

type Orders = Pin<Box<dyn Stream<Item = Result<Order, Status>> + Send>>;

/// What a caller gets: messages, and a status in the end.
type Answer = (Vec<Order>, Code, String);

fn order(number: u32) -> Order {
    let item = "tea".to_owned();
    Order { number, item }
}

/// Finds orders up to number 9; 13 breaks it.
async fn find(request: Request<Order>) -> Result<Response<Order>, Status> {
    match request.into_inner().number {
        number @ 0..10 => Ok(Response::new(order(number))),
        13 => Err(Status::internal("an accident")),
        _ => Err(Status::not_found("no such order")),
    }
}

/// Lists orders from 1 to a number; the fourth one breaks it, and of 100 it is the first one.
async fn list(request: Request<Order>) -> Result<Response<Orders>, Status> {
    let (first, last) = match request.into_inner().number {
        0 => return Err(Status::permission_denied("not for you")),
        100 => (4, 4),
        last => (1, last),
    };
    let orders = (first..=last).map(|number| match number {
        4 => Err(Status::internal("an accident")),
        number => Ok(order(number)),
    });
    Ok(Response::new(stream::iter(orders).boxed()))
}

type Service = BoxCloneSyncService<HttpRequest<Body>, HttpResponse<Body>, tower::BoxError>;

/// What `tonic-build` would make of the two methods.
fn orders() -> Service {
    Service::new(service_fn(|request: HttpRequest<Body>| async move {
        let mut grpc = tonic::server::Grpc::new(Prost);
        let response = match request.uri().path() {
            "/shop.Orders/Find" => grpc.unary(service_fn(find), request).await,
            "/shop.Orders/List" => grpc.server_streaming(service_fn(list), request).await,
            _ => Status::unimplemented("").into_http(),
        };
        Ok(response.map(Body::new))
    }))
}

/// Serves one connection and connects to it.
async fn connect(service: Service) -> client::SendRequest<tonic::body::Body> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let service = ServiceBuilder::new()
        .map_request(|request: HttpRequest<Incoming>| request.map(Body::new))
        .service(service);
    let serving = server::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(accepted), TowerToHyperService::new(service));
    tokio::spawn(serving);
    let (sender, connection) = client::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

async fn call(
    connection: &client::SendRequest<tonic::body::Body>,
    method: &'static str,
    number: u32,
) -> Answer {
    let connection = connection.clone();
    let http = service_fn(move |request| connection.clone().send_request(request));
    let origin = Uri::from_static("http://shop.example");
    let mut grpc = tonic::client::Grpc::with_origin(http, origin);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(method);
    let request = Request::new(order(number));
    let mut orders = Vec::new();
    let end = if method == LIST {
        match grpc.server_streaming(request, path, Prost).await {
            Ok(response) => collect(response.into_inner(), &mut orders).await,
            Err(status) => Err(status),
        }
    } else {
        let answer = grpc.unary(request, path, Prost).await;
        answer.map(|response| orders.push(response.into_inner()))
    };
    let status = end.err().unwrap_or_else(|| Status::ok(""));
    (orders, status.code(), status.message().to_owned())
}

async fn collect(mut stream: Streaming<Order>, orders: &mut Vec<Order>) -> Result<(), Status> {
    while let Some(order) = stream.message().await? {
        orders.push(order);
    }
    Ok(())
}

const FIND: &str = "/shop.Orders/Find";
const LIST: &str = "/shop.Orders/List";

#[tokio::test]
async fn a_grpc_client_sees_no_difference_and_its_status_is_recorded() {
    let (auditor, store) = started().await;
    let layer = auditor.layer().response_bodies(ResponseBodies::Always);
    let audited = ServiceBuilder::new()
        .map_err(tower::BoxError::from)
        .map_response(|response: HttpResponse<_>| response.map(Body::new))
        .layer(layer)
        .map_request(|request: HttpRequest<_>| request.map(Body::new))
        .service(orders());
    let bare = connect(orders()).await;
    let layered = connect(Service::new(audited)).await;
    let calls = [
        (FIND, 7, vec![7], Code::Ok),
        (FIND, 10, vec![], Code::NotFound),
        (FIND, 13, vec![], Code::Internal),
        (LIST, 3, vec![1, 2, 3], Code::Ok),
        (LIST, 9, vec![1, 2, 3], Code::Internal),
        (LIST, 100, vec![], Code::Internal),
        (LIST, 0, vec![], Code::PermissionDenied),
        ("/shop.Orders/Burn", 1, vec![], Code::Unimplemented),
    ];
    for (method, number, numbers, code) in &calls {
        let answer = call(&layered, method, *number).await;
        assert_eq!(answer, call(&bare, method, *number).await);
        let expected: Vec<_> = numbers.iter().copied().map(order).collect();
        assert_eq!((&answer.0, answer.1), (&expected, *code));
    }
    drop((bare, layered));
    auditor.flush().await.unwrap();
    let records = store.records();
    assert_accounted(auditor.stats(), &records);
    assert_eq!(records.len(), calls.len());
    for (record, (method, number, numbers, code)) in records.iter().zip(calls) {
        assert_call(record, method, code, !numbers.is_empty());
        // A method that does not exist reads nothing.
        let is_read = code != Code::Unimplemented;
        let request_bytes = is_read as usize * (5 + order(number).encoded_len());
        assert_eq!(record.request_bytes, Some(request_bytes as i64));
    }
}

fn assert_call(record: &Record, method: &str, code: Code, has_messages: bool) {
    assert_eq!(record.path.as_deref(), Some(method));
    assert_eq!(record.grpc_status, Some(code as u16), "{record:?}");
    assert_eq!(record.success, code == Code::Ok);
    assert_eq!(record.outcome, Some(Outcome::Completed));
    assert_eq!(record.status, Some(200));
    assert_eq!(record.http_version.as_deref(), Some("2"));
    assert_eq!(record.host.as_deref(), Some("shop.example"));
    assert_eq!(
        record.request_content_type.as_deref(),
        Some("application/grpc")
    );
    assert_eq!(record.response_bytes.unwrap() > 0, has_messages);
}
