//! Request-reply over HTTP: a request becomes a task, and a callback URL tells how it stands.
//!
//! ```text
//! request ──▶ Gateway::accept ──▶ Client (PENDING → send → alias) ──▶ 202 with a callback URL
//! callback URL ──▶ status routes ──▶ store ──▶ PENDING | COMPLETED | FAILED | 404
//! ```
//!
//! What a request looks like and what of a reply is shown are the application's, unless the request
//! is the task as JSON, for which [`Gateway::routes`] has both routes. How a task is accepted,
//! refused or left in doubt is decided here, once: see [`refusal`].
//!
//! # Invariants
//!
//! - A send that has begun is finished, also when the caller has gone: see [`Gateway::accept`].
//! - JSON that came from a worker is passed on as the text it is, so that no digit is lost.
//! - Nothing here knows a queue or a database: it has a [`Client`](longshore_tasks::Client).

pub mod base_url;
mod connection;
pub mod gateway;
mod host;
mod idle;
pub mod json_body;
pub mod problem;
pub mod refusal;
mod routes;
pub mod server;
pub mod status;
mod traced;

pub use base_url::{BaseUrl, BaseUrlError};
pub use gateway::{Accepted, Gateway, GatewayOptions};
pub use json_body::JsonBody;
pub use problem::Problem;
pub use server::{ServerOptions, serve};
pub use status::{ErrorView, Render, ReplyView};
pub use traced::traced;
