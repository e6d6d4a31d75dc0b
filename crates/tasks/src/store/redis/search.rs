//! What is found by other things than an id: lists, what is due, and what is over.

use super::RedisStore;
use super::convert::{self, Fields, optional, readable, time};
use crate::life::Standing;
use crate::store::{ListQuery, Page, Place, Result, Row, Timed};

/// Places of a list that one call of a script looks at: nobody else is served meanwhile.
const PLACES_MAX: usize = 2000;

/// What a call of the script answers: the time, rows, and the place to go on behind.
type Listed = (u64, Vec<Fields>, Option<String>);

impl RedisStore {
    /// Rows by what was asked and how they stand, the latest first. A filter that few rows meet takes
    /// several calls.
    pub(super) async fn list_rows(&self, query: &ListQuery) -> Result<Timed<Page>> {
        let after = query.after.as_deref().and_then(Place::parse);
        let mut after = after.map(|after| convert::place(&after));
        let rows_max = query.count_max.saturating_add(1);
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let wanted = rows_max - rows.len();
            let (now, found, behind) = self.list_some(query, after.as_deref(), wanted).await?;
            rows.extend(readable(&self.server, found));
            after = behind;
            if after.is_none() || rows.len() >= rows_max {
                return Ok(Timed { now: time(now), value: page(rows, query.count_max) });
            }
        }
    }

    async fn list_some(
        &self,
        query: &ListQuery,
        after: Option<&str>,
        rows_max: usize,
    ) -> Result<Listed> {
        let key = if query.standings == [Standing::Failed] { "failed" } else { "list" };
        let mut call = self.scripts.list.prepare_invoke();
        call.key(self.keys.of(key)).arg(self.keys.of("task:")).arg(after.unwrap_or_default());
        call.arg(rows_max).arg(PLACES_MAX).arg(standings(&query.standings));
        for wanted in [&query.name, &query.queue, &query.key, &query.tag] {
            call.arg(optional(wanted.as_deref()));
        }
        self.server.call("list tasks", &call).await
    }

    /// Rows whose time to wake has come, the earliest first.
    pub(super) async fn due_rows(&self, count_max: usize) -> Result<Timed<Vec<Row>>> {
        let mut call = self.scripts.due.prepare_invoke();
        call.key(self.keys.of("due")).arg(self.keys.of("task:")).arg(count_max);
        let (now, rows): (u64, Vec<Fields>) = self.server.call("find what is due", &call).await?;
        Ok(Timed { now: time(now), value: readable(&self.server, rows) })
    }

    /// Removes what has been kept for long enough, and says how many rows and values went.
    pub(super) async fn remove_old(&self, count_max: usize) -> Result<usize> {
        let mut call = self.scripts.expire.prepare_invoke();
        for key in ["list", "failed", "due", "keep", "values"] {
            call.key(self.keys.of(key));
        }
        let count = i64::try_from(count_max).unwrap_or(i64::MAX);
        call.arg(self.keys.of("task:")).arg(self.keys.of("value:")).arg(count);
        self.server.call("remove what is old", &call).await
    }
}

fn standings(standings: &[Standing]) -> String {
    if standings.is_empty() {
        return String::new();
    }
    let words: Vec<&str> = standings.iter().map(|standing| standing.as_str()).collect();
    format!(",{},", words.join(","))
}

fn page(mut rows: Vec<Row>, count_max: usize) -> Page {
    let more = rows.len() > count_max;
    rows.truncate(count_max);
    let next = rows.last().filter(|_| more).map(|row| Place::of(row).to_cursor());
    Page { rows, next }
}
