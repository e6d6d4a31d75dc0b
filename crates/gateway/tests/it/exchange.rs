//! A small application behind the gateway, and requests to it over a socket.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use longshore_gateway::{
    BaseUrl, ErrorView, Gateway, GatewayOptions, Problem, ReplyView, ServerOptions, serve,
};
use longshore_tasks::{Client, ClientOptions, MemoryStore, Task};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::outbox::Outbox;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Square(pub(crate) u64);

impl Task for Square {
    const NAME: &'static str = "square";
    type Reply = u64;
    type Codec = longshore_tasks::Json;
}

/// The application, served on a port of its own until it is dropped.
pub(crate) struct Application {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) gateway: Gateway,
    address: SocketAddr,
    shutdown: CancellationToken,
}

impl Drop for Application {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// An answer: its status, its head, and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.eq_ignore_ascii_case(header))
    }
}

impl Application {
    pub(crate) async fn start(public_url: Option<&str>) -> Self {
        let (outbox, store) = (Arc::<Outbox>::default(), Arc::<MemoryStore>::default());
        let client =
            Client::new(Arc::clone(&outbox) as _, "squares", store as _, ClientOptions::default());
        let public_url = public_url.map(|url| BaseUrl::parse(url).unwrap());
        let options = GatewayOptions { public_url, ..GatewayOptions::default() };
        let gateway = Gateway::new(client, options);
        let router = Router::new()
            .route("/squares", post(square))
            .with_state(gateway.clone())
            .merge(gateway.status_route_with("/squares", shown, ErrorView::Text))
            .merge(gateway.routes::<Square>("/plain"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(listener, router, ServerOptions::default(), shutdown.clone()));
        Self { outbox, gateway, address, shutdown }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        read(self.begin(method, path).await).await
    }

    pub(crate) async fn post_json(&self, path: &str, json: &str) -> Answer {
        let head = format!("content-type: application/json\r\ncontent-length: {}\r\n", json.len());
        read(self.send("POST", path, &format!("{head}\r\n{json}")).await).await
    }

    /// Sends a request and leaves the answer unread.
    pub(crate) async fn begin(&self, method: &str, path: &str) -> TcpStream {
        self.send(method, path, "\r\n").await
    }

    async fn send(&self, method: &str, path: &str, rest: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.0\r\nhost: example.org:8080\r\n{rest}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

async fn read(mut stream: TcpStream) -> Answer {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn square(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
) -> Result<Json<String>, Problem> {
    let accepted = gateway.accept(Square(8), "/squares", &headers).await?;
    Ok(Json(accepted.callback_url))
}

fn shown(body: &str) -> Option<ReplyView> {
    Some(ReplyView { name: "square", json: RawValue::from_string(body.to_owned()).ok()? })
}
