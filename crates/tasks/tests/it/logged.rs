//! What was logged on the test's own thread.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// While there is only one subscriber, `tracing` asks the thread that first comes to a line whether anybody wants it, and
/// remembers that for all: another test's thread wants none.
static ANOTHER: OnceLock<Dispatch> = OnceLock::new();

/// The lines that were logged: each message, and then its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<String>>>);

impl Logged {
    /// Keeps what is logged on this thread, until the guard is dropped.
    pub(crate) fn begin() -> (Self, DefaultGuard) {
        ANOTHER.get_or_init(|| Dispatch::new(Self::default()));
        let logged = Self::default();
        let guard = set_default(logged.clone());
        (logged, guard)
    }

    /// The lines that say `words`.
    pub(crate) fn lines_with(&self, words: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| line.contains(words)).cloned().collect()
    }
}

/// A line that is being made.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let (name, fields) = (field.name(), &mut self.fields);
        match name {
            "message" => write!(self.message, "{value:?}"),
            _ => write!(fields, " {name}={value:?}"),
        }
        .unwrap();
    }
}

impl Subscriber for Logged {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.message + &line.fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
