//! The Query protocol: every action means what it means in JSON.

mod errors;
mod replies;
mod requests;
mod round_trip;

use longshore_wire::query::Parameters;
use longshore_wire::{Request, SqsError};

const BASE: &str = "http://localhost:9324";

/// Decodes a form that was sent to the endpoint itself.
fn decode(form: &str) -> Result<Request, SqsError> {
    decode_at("/", form)
}

/// Decodes a form that was sent to a path of the endpoint.
fn decode_at(path: &str, form: &str) -> Result<Request, SqsError> {
    Parameters::parse("", form.as_bytes()).unwrap().request(BASE, path)
}
