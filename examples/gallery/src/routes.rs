//! The HTTP of the gallery. What takes long is answered with 202 and a callback URL.
//!
//! | | |
//! |---|---|
//! | `POST /photos?owner=ada` | keeps the photo in the body; its small picture is made by a task |
//! | `GET /thumbnails/{photo}` | the small picture |
//! | `GET /search/{owner}/{word}` | the photos that look so |
//! | `POST /albums` | a [`Publish`] as JSON |
//! | `POST /archives` | an [`Archive`] as JSON |
//! | `GET /ledger/{owner}` | what the owner was charged |
//! | `GET /tasks/{id}` | how a task stands, how far it is, what its attempts failed with |
//! | `DELETE /tasks/{id}` | asks for a task's end |

use std::time::Duration;

use longshore::axum::body::Bytes;
use longshore::axum::extract::{Path, Query, State};
use longshore::axum::http::{HeaderMap, StatusCode};
use longshore::axum::response::IntoResponse;
use longshore::axum::routing::{get, post};
use longshore::axum::{Json, Router};
use longshore::gateway::{Accepted, JsonBody};
use longshore::tasks::life::Refusal;
use longshore::tasks::{CancelError, SendOptions, TaskId, TaskRecord};
use longshore::{Gateway, Priority, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::library::{Library, LibraryError, Line, name_is_valid};
use crate::options::Options;
use crate::tasks::{Archive, Publish, Reindex, Thumbnail};

/// When a caller may ask again whom the library did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// What the routes share.
#[derive(Clone, Debug)]
struct Desk {
    gateway: Gateway,
    library: Library,
}

/// The routes of the gallery.
pub fn routes(gateway: Gateway, Options { gallery, .. }: Options) -> Router {
    let albums = gateway.routes::<Publish>("/albums");
    let status = gateway.status_route("/photos").merge(gateway.status_route("/archives"));
    let desk = Desk { gateway, library: Library::at(&gallery) };
    Router::new()
        .route("/photos", post(upload))
        .route("/thumbnails/{photo}", get(thumbnail))
        .route("/search/{owner}/{word}", get(search))
        .route("/archives", post(archive))
        .route("/ledger/{owner}", get(ledger))
        .route("/tasks/{id}", get(task).delete(cancel))
        .with_state(desk)
        .merge(albums)
        .merge(status)
}

#[derive(Debug, Deserialize)]
struct Whose {
    owner: String,
}

/// What is answered to an upload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    photo: String,
    callback_url: String,
}

async fn upload(
    State(desk): State<Desk>,
    Query(Whose { owner }): Query<Whose>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    check(&owner)?;
    let whose = owner.clone();
    let photo = desk.ask(move |library| library.keep_photo(&whose, &bytes)).await?;
    let urgent = SendOptions { priority: Some(Priority::High), ..SendOptions::default() };
    let small = Thumbnail { owner: owner.clone(), photo: photo.clone() };
    let accepted = desk.gateway.accept_with(small, urgent, "/photos", &headers).await?;
    let later = SendOptions { priority: Some(Priority::Low), ..SendOptions::default() };
    let index = Reindex { owner, photo: photo.clone() };
    desk.gateway.accept_with(index, later, "/photos", &headers).await?;
    let uploaded = Uploaded { photo, callback_url: accepted.callback_url };
    Ok((StatusCode::ACCEPTED, Json(uploaded)))
}

async fn thumbnail(State(desk): State<Desk>, Path(photo): Path<String>) -> Result<String, Problem> {
    let small = desk.ask(move |library| library.thumbnail(&photo)).await?;
    small.ok_or_else(|| Problem::not_found("there is no small picture of this photo yet"))
}

async fn search(
    State(desk): State<Desk>,
    Path((owner, word)): Path<(String, String)>,
) -> Result<Json<Vec<String>>, Problem> {
    Ok(Json(desk.ask(move |library| library.search(&owner, &word)).await?))
}

async fn archive(
    State(desk): State<Desk>,
    headers: HeaderMap,
    JsonBody(archive): JsonBody<Archive>,
) -> Result<Accepted, Problem> {
    check(&archive.owner)?;
    let options = SendOptions {
        priority: Some(Priority::Low),
        tags: vec!["archives".to_owned()],
        ..SendOptions::default()
    };
    desk.gateway.accept_with(archive, options, "/archives", &headers).await
}

async fn ledger(
    State(desk): State<Desk>,
    Path(owner): Path<String>,
) -> Result<Json<Vec<Line>>, Problem> {
    Ok(Json(desk.ask(move |library| library.ledger(&owner)).await?))
}

async fn task(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let found = desk.gateway.client().task(&id_of(&id)?).await;
    let record = found.map_err(|_| silent("the store of tasks"))?.ok_or_else(unknown)?;
    Ok(Json(shown(&record)))
}

/// A task, as a person is shown it.
fn shown(record: &TaskRecord) -> Value {
    let progress = record.life.progress.as_ref();
    json!({
        "task": record.asked.name,
        "status": record.life.standing().as_str(),
        "attempts": record.life.attempts_made,
        "percent": progress.map(|progress| progress.percent),
        "note": progress.map(|progress| &progress.note),
        "reason": record.reason(),
    })
}

async fn cancel(
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    match desk.gateway.client().cancel(&id_of(&id)?).await {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(CancelError::Refused { refusal: Refusal::NotKnown, .. }) => Err(unknown()),
        Err(refused @ CancelError::Refused { .. }) => {
            Err(Problem::new(StatusCode::CONFLICT, refused.to_string()))
        }
        Err(_) => Err(silent("the store of tasks")),
    }
}

impl Desk {
    /// Asks the library, which blocks its thread.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Library) -> Result<T, LibraryError> + Send + 'static,
    ) -> Result<T, Problem> {
        let library = self.library.clone();
        let answer = spawn_blocking(move || ask(&library)).await;
        answer.ok().and_then(Result::ok).ok_or_else(|| silent("the library"))
    }
}

fn check(owner: &str) -> Result<(), Problem> {
    let problem = "an owner is 1 to 32 letters a to z, digits and hyphens";
    name_is_valid(owner).then_some(()).ok_or_else(|| Problem::bad_request(problem))
}

fn id_of(text: &str) -> Result<TaskId, Problem> {
    TaskId::parse(text).map_err(|_| unknown())
}

fn unknown() -> Problem {
    Problem::not_found("no task has this id")
}

fn silent(who: &str) -> Problem {
    Problem::unavailable(format!("{who} does not answer: ask again"), ASK_AGAIN)
}
