//! `POST <path>` and `GET <path>/status/<id>`: the routes of a task whose request is its argument.
//!
//! ```text
//! JSON ──▶ JsonBody<T> ──▶ Gateway::accept ──▶ 202, Location, {"id":…,"callbackUrl":…}
//! ```
//!
//! An application whose requests or answers look otherwise writes a handler of its own, of the same
//! three parts: see [`Gateway::routes`].

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use longshore_tasks::Task;
use serde::de::DeserializeOwned;

use crate::gateway::Gateway;
use crate::json_body::JsonBody;

impl Gateway {
    /// The routes of the tasks of type `T`:
    ///
    /// - `POST <path>` reads the task from the request's body, which is JSON, sends it, and answers 202
    ///   with the callback URL ([`Accepted`](crate::Accepted)). What does not fit is answered with a
    ///   [`Problem`](crate::Problem) that says where.
    /// - `GET <path>/status/<id>` is where callback URLs lead: see [`Gateway::status_route`].
    ///
    /// `path` begins with a slash, does not end with one, and has no parameters.
    ///
    /// ```
    /// use axum::Router;
    /// use longshore_gateway::Gateway;
    /// use longshore_tasks::{Json, Task};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Greet {
    ///     name: String,
    /// }
    ///
    /// impl Task for Greet {
    ///     const NAME: &'static str = "greet";
    ///     type Reply = String;
    ///     type Codec = Json;
    /// }
    ///
    /// fn routes(gateway: Gateway) -> Router {
    ///     gateway.routes::<Greet>("/greetings")
    /// }
    /// ```
    ///
    /// A request that is not the task itself has a handler of its own, which calls
    /// [`Gateway::accept`]:
    ///
    /// ```
    /// # use longshore_tasks::{Json, Task};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Greet { name: String }
    /// # impl Task for Greet {
    /// #     const NAME: &'static str = "greet";
    /// #     type Reply = String;
    /// #     type Codec = Json;
    /// # }
    /// use axum::{Router, extract::{Path, State}, http::HeaderMap, routing::get};
    /// use longshore_gateway::{Accepted, Gateway, Problem};
    ///
    /// async fn greet(
    ///     State(gateway): State<Gateway>,
    ///     Path(name): Path<String>,
    ///     headers: HeaderMap,
    /// ) -> Result<Accepted, Problem> {
    ///     gateway.accept(Greet { name }, "/greetings", &headers).await
    /// }
    ///
    /// fn routes(gateway: Gateway) -> Router {
    ///     let status = gateway.status_route("/greetings");
    ///     Router::new().route("/greet/{name}", get(greet)).with_state(gateway).merge(status)
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// `path` is no path of a route. In an application, that is a fault at the start.
    pub fn routes<T: Task + DeserializeOwned>(&self, path: &str) -> Router {
        let (gateway, at) = (self.clone(), Arc::<str>::from(path));
        let ask = async move |headers: HeaderMap, JsonBody(task): JsonBody<T>| {
            gateway.accept(task, &at, &headers).await
        };
        Router::new().route(path, post(ask)).merge(self.status_route(path))
    }
}
