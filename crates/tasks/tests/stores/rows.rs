//! Rows to write, and where servers are.

use std::time::Duration;

use longshore_tasks::TaskId;
use longshore_tasks::id::{RandomSource as _, SystemRandom};
use longshore_tasks::life::{Standing, Survives, When};
use longshore_tasks::store::{AskedRow, LifeRow, Write};

/// Long enough for anything here.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// The server that a variable names; `None`, said aloud, where it names none.
#[expect(clippy::print_stdout, reason = "who runs the tests should see what was not tried")]
pub(crate) fn server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        println!("skipped: {variable} names no server");
    }
    url
}

/// A schema or prefix that no other test has used.
pub(crate) fn unused(what: &str) -> String {
    format!("{what}_{:016x}", SystemRandom.next())
}

/// The row's first version.
pub(crate) fn first(id: &str, keep: Duration) -> Write {
    let asked =
        AskedRow { text: "{}".to_owned(), queue: "tasks".to_owned(), ..AskedRow::default() };
    Write { expected: None, asked: Some(asked), ..next(id, 0, keep) }
}

/// A row's version over `version`.
pub(crate) fn next(id: &str, version: u64, keep: Duration) -> Write {
    let life = LifeRow {
        text: "{}".to_owned(),
        standing: Standing::Failed,
        until: None,
        wake: Some(When::In(Duration::ZERO)),
        keep: When::In(keep),
    };
    let id = TaskId::parse(id).unwrap();
    Write {
        id,
        expected: Some(version),
        mark: version + 1,
        asked: None,
        life,
        survives: Survives::PowerCut,
    }
}
