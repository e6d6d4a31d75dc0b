//! Reads and writes of rows, and aliases: a batch is one call of a script.

use redis::{ScriptInvocation, Value as Reply};

use super::RedisStore;
use super::convert::{Fields, optional, place, point, row, time};
use crate::id::TaskId;
use crate::store::{Alias, Place, Result, Row, Timed, Write, Written};

/// Rows that one call of a script writes at most: nobody else is served meanwhile.
const WRITES_MAX: usize = 256;

/// Arguments that say what was asked.
const ASKED_ARGUMENTS: usize = 7;

impl RedisStore {
    /// The rows of these ids, each in its place.
    pub(super) async fn read_rows(&self, ids: &[TaskId]) -> Result<Timed<Vec<Option<Row>>>> {
        let mut call = self.scripts.read.prepare_invoke();
        call.arg(self.keys.of("task:"));
        for id in ids {
            call.key(self.keys.alias(id.as_str())).key(self.keys.task(id.as_str()));
        }
        let (now, rows) = self.server.call("find tasks", &call).await?;
        Ok(Timed { now: time(now), value: self.some_rows(rows)? })
    }

    /// Writes each row if the version that it expects is there.
    pub(super) async fn write_rows(&self, writes: &[Write]) -> Result<Timed<Vec<Written>>> {
        let (first, others) = writes.split_at(writes.len().min(WRITES_MAX));
        // The first time of all: a claim counted from it ends no later than it is written.
        let mut answer = self.write_chunk(first).await?;
        for chunk in others.chunks(WRITES_MAX) {
            answer.value.extend(self.write_chunk(chunk).await?.value);
        }
        Ok(answer)
    }

    async fn write_chunk(&self, writes: &[Write]) -> Result<Timed<Vec<Written>>> {
        let mut call = self.scripts.write.prepare_invoke();
        for key in ["list", "failed", "due", "keep"] {
            call.key(self.keys.of(key));
        }
        for write in writes {
            call.key(self.keys.task(write.id.as_str()));
            add_life(&mut call, write);
            add_asked(&mut call, write);
        }
        let action = "write task records";
        let (now, answers): (u64, Vec<Reply>) = if writes.iter().any(Write::removes) {
            self.server.call_once(action, &call).await?
        } else {
            self.server.call(action, &call).await?
        };
        let value = answers.into_iter().map(|answer| self.written(answer));
        Ok(Timed { now: time(now), value: value.collect::<Result<_>>()? })
    }

    fn written(&self, answer: Reply) -> Result<Written> {
        if let Reply::Int(is_written) = answer {
            return Ok(if is_written == 1 { Written::Done } else { Written::Conflict(None) });
        }
        let fail = |source| self.server.unavailable("read a row", source);
        let fields: Fields = redis::from_redis_value(answer).map_err(fail)?;
        Ok(Written::Conflict(Some(Box::new(Row::or_unreadable(row(&self.server, fields))?))))
    }

    /// Notes aliases, and answers the rows that stand under the `MessageId`s themselves.
    pub(super) async fn note_aliases(&self, aliases: &[Alias]) -> Result<Timed<Vec<Option<Row>>>> {
        let mut call = self.scripts.alias.prepare_invoke();
        for alias in aliases {
            let (message_id, id) = (alias.message_id.as_str(), alias.id.as_str());
            call.key(self.keys.alias(message_id));
            call.key(self.keys.task(message_id)).key(self.keys.task(id));
            call.arg(message_id).arg(id).arg(point(Some(alias.keep)));
        }
        let (now, rows) = self.server.call("note message ids", &call).await?;
        Ok(Timed { now: time(now), value: self.some_rows(rows)? })
    }

    /// Rows, each in its place. One that this version cannot read is there, and fails alone.
    fn some_rows(&self, rows: Vec<Option<Fields>>) -> Result<Vec<Option<Row>>> {
        let read = |fields| Row::or_unreadable(row(&self.server, fields));
        rows.into_iter().map(|fields| fields.map(read).transpose()).collect()
    }
}

fn add_life(call: &mut ScriptInvocation<'_>, write: &Write) {
    let life = &write.life;
    let expected = write.expected.map(|version| version.to_string()).unwrap_or_default();
    call.arg(write.id.as_str())
        .arg(expected)
        .arg(write.version().to_string())
        .arg(write.mark.to_string())
        .arg(&life.text)
        .arg(life.standing.as_str())
        .arg(point(life.until))
        .arg(point(life.wake))
        .arg(point(Some(life.keep)));
}

/// A first version always has something that was asked, if only nothing.
fn add_asked(call: &mut ScriptInvocation<'_>, write: &Write) {
    let nothing = write.expected.is_none().then(Default::default);
    let Some(asked) = write.asked.clone().or(nothing) else {
        call.arg(&[""; ASKED_ARGUMENTS]);
        return;
    };
    let tags = serde_json::Value::from(asked.tags).to_string();
    let at = Place { created_at: asked.created_at, id: write.id.to_string() };
    call.arg(optional(Some(&asked.text)))
        .arg(optional(asked.name.as_deref()))
        .arg(optional(Some(&asked.queue)))
        .arg(optional(asked.key.as_deref()))
        .arg(optional(Some(&tags)))
        .arg(asked.created_at.as_millis().to_string())
        .arg(place(&at));
}
