//! Writes of rows: a batch is one statement over arrays, a column an array.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use longshore_types::Timestamp;

use super::convert::{CLOCK, Points, findable, millis, now, point, some_findable, tags};
use super::database::{Database, Parameters, Repeat};
use super::rows;
use super::schema::Schema;
use crate::id::TaskId;
use crate::store::{AskedRow, Result, Timed, Write, Written};

/// Writes each row if the version that it expects is there.
///
/// What is there instead is read by a statement of its own: the one that writes sees what was
/// committed when it began, and so not whose write it lost against.
pub(super) async fn write(
    database: &Database,
    schema: &Schema,
    writes: &[Write],
) -> Result<Timed<Vec<Written>>> {
    let mut value = vec![Written::Done; writes.len()];
    let mut time = None;
    for round in rounds(writes) {
        let at = write_round(database, schema, writes, &round, &mut value).await?;
        // The first: a claim counted from it ends no later than it is written.
        time.get_or_insert(at);
    }
    Ok(Timed { now: time.unwrap_or_default(), value })
}

/// The places of a batch, in rounds that have each id once at most: a statement writes a row once,
/// and a write of the same id meets what was written before it. At least one round, for the time.
fn rounds(writes: &[Write]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<&TaskId, usize> = HashMap::new();
    let mut rounds: Vec<Vec<usize>> = vec![Vec::new()];
    for (place, write) in writes.iter().enumerate() {
        let round = seen.entry(&write.id).and_modify(|round| *round += 1).or_insert(0);
        if *round == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*round].push(place);
    }
    rounds
}

async fn write_round(
    database: &Database,
    schema: &Schema,
    writes: &[Write],
    round: &[usize],
    answers: &mut [Written],
) -> Result<Timestamp> {
    let columns = Columns::of(round.iter().map(|place| &writes[*place]));
    let removes = round.iter().any(|place| writes[*place].removes());
    let repeat = if removes { Repeat::No } else { Repeat::Yes };
    let found = columns.write(database, &write_sql(schema), repeat).await?;
    let written: HashSet<&str> = found.iter().filter_map(|row| row.get(1)).collect();
    let is_written = |place: &&usize| written.contains(writes[**place].id.as_str());
    let others: Vec<usize> = round.iter().filter(|place| !is_written(place)).copied().collect();
    if !others.is_empty() {
        let ids: Vec<TaskId> = others.iter().map(|place| writes[*place].id.clone()).collect();
        let there = rows::read_by_id(database, schema, &ids).await?;
        for (place, there) in others.into_iter().zip(there.value) {
            answers[place] = Written::Conflict(there.map(Box::new));
        }
    }
    Ok(now(&found))
}

/// What was asked where nothing was.
static NOTHING_ASKED: AskedRow = AskedRow {
    text: String::new(),
    name: None,
    queue: String::new(),
    key: None,
    tags: Vec::new(),
    created_at: Timestamp::ZERO,
};

/// A batch of writes, a column an array.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<&'a str>,
    expected: Vec<Option<i64>>,
    versions: Vec<i64>,
    marks: Vec<i64>,
    asked: Vec<Option<&'a str>>,
    names: Vec<Option<Cow<'a, str>>>,
    queues: Vec<Option<Cow<'a, str>>>,
    keys: Vec<Option<Cow<'a, str>>>,
    tags: Vec<Option<String>>,
    created_at: Vec<Option<i64>>,
    lives: Vec<&'a str>,
    standings: Vec<&'a str>,
    until: Points,
    wake: Points,
    keep: Points,
}

impl<'a> Columns<'a> {
    fn of(writes: impl Iterator<Item = &'a Write>) -> Self {
        let mut columns = Self::default();
        writes.for_each(|write| columns.push(write));
        columns
    }

    fn push(&mut self, write: &'a Write) {
        self.ids.push(write.id.as_str());
        self.expected.push(write.expected.map(u64::cast_signed));
        self.versions.push(write.version().cast_signed());
        self.marks.push(write.mark.cast_signed());
        // A first version always has something that was asked, if only nothing.
        let asked = write.asked.as_ref().or(write.expected.is_none().then_some(&NOTHING_ASKED));
        self.asked.push(asked.map(|asked| asked.text.as_str()));
        self.names.push(asked.and_then(|asked| some_findable(asked.name.as_deref())));
        self.queues.push(asked.map(|asked| findable(&asked.queue)));
        self.keys.push(asked.and_then(|asked| some_findable(asked.key.as_deref())));
        self.tags.push(asked.map(tags));
        self.created_at.push(asked.map(|asked| millis(asked.created_at)));
        self.lives.push(&write.life.text);
        self.standings.push(write.life.standing.as_str());
        self.until.push(write.life.until);
        self.wake.push(write.life.wake);
        self.keep.push(Some(write.life.keep));
    }

    async fn write(
        &self,
        database: &Database,
        sql: &str,
        repeat: Repeat,
    ) -> Result<Vec<tokio_postgres::Row>> {
        let parameters: Parameters<'_> = &[
            &self.ids,
            &self.expected,
            &self.versions,
            &self.marks,
            &self.asked,
            &self.names,
            &self.queues,
            &self.keys,
            &self.tags,
            &self.created_at,
            &self.lives,
            &self.standings,
            &self.until.at,
            &self.until.after,
            &self.wake.at,
            &self.wake.after,
            &self.keep.at,
            &self.keep.after,
        ];
        database.query_one("write task records", sql, parameters, repeat).await
    }
}

/// One statement for all of a round: it answers the ids that it wrote.
///
/// Two batches hardly ever wait for each other. First, `locked` takes the rows that may be written
/// over, in the order of their ids; then new rows are made, in that order too. Rows that are there
/// are not tried as new ones: that would wait for whoever is just writing them. (A deadlock is left
/// for three batches: one makes a row after another began, and the third writes it. Then one of them
/// is made again.) An update looks at the row again once it has it. A row whose time is over is
/// overwritten as a new one.
fn write_sql(schema: &Schema) -> String {
    let until = point("until_at", "until_in");
    let wake = point("wake_at", "wake_in");
    let keep = point("keep_at", "keep_in");
    schema.sql(&format!(
        "WITH {CLOCK},
         given AS MATERIALIZED (
             SELECT i.*, {until} AS until, {wake} AS wake, {keep} AS keep FROM clock, unnest(
                 $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                 $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[],
                 $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
                 $18::bigint[]
             ) AS i (id, expected, version, mark, asked, name, queue, key, tags, created_at, life,
                     standing, until_at, until_in, wake_at, wake_in, keep_at, keep_in)),
         locked AS MATERIALIZED (
             SELECT g.* FROM given AS g JOIN {{schema}}.tasks AS t ON t.id = g.id CROSS JOIN clock
             WHERE g.expected IS NOT NULL OR t.keep <= clock.now
             ORDER BY t.id FOR UPDATE OF t),
         updated AS (
             UPDATE {{schema}}.tasks AS t
             SET version = g.version, mark = g.mark, life = g.life, standing = g.standing,
                 until = g.until, wake = g.wake, keep = g.keep,
                 message_id = CASE WHEN g.expected IS NULL THEN NULL ELSE t.message_id END,
                 asked = COALESCE(g.asked, t.asked),
                 name = CASE WHEN g.asked IS NULL THEN t.name ELSE g.name END,
                 queue = COALESCE(g.queue, t.queue),
                 key = CASE WHEN g.asked IS NULL THEN t.key ELSE g.key END,
                 tags = COALESCE(g.tags::jsonb, t.tags),
                 created_at = COALESCE(g.created_at, t.created_at)
             FROM locked AS g CROSS JOIN clock
             WHERE t.id = g.id AND CASE WHEN g.expected IS NULL THEN t.keep <= clock.now
                                        ELSE t.version = g.expected AND t.keep > clock.now END
             RETURNING t.id),
         inserted AS (
             INSERT INTO {{schema}}.tasks (id, version, mark, asked, name, queue, key, tags,
                 created_at, life, standing, until, wake, keep)
             SELECT id, version, mark, asked, name, queue, key, tags::jsonb, created_at, life,
                 standing, until, wake, keep
             FROM given AS g
             WHERE expected IS NULL AND (SELECT count(*) FROM updated) >= 0
                 AND NOT EXISTS (SELECT 1 FROM {{schema}}.tasks AS t WHERE t.id = g.id)
             ORDER BY id COLLATE \"C\" ON CONFLICT (id) DO NOTHING
             RETURNING id)
         SELECT clock.now, done.id FROM clock
         LEFT JOIN (SELECT id FROM updated UNION ALL SELECT id FROM inserted) AS done ON true"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Standing, Survives, When};
    use crate::store::LifeRow;

    fn write(id: &str) -> Write {
        let keep = When::At(Timestamp::from_millis(1));
        let standing = Standing::Pending;
        let life = LifeRow { text: String::new(), standing, until: None, wake: None, keep };
        Write {
            id: TaskId::parse(id).unwrap(),
            expected: None,
            mark: 0,
            asked: None,
            life,
            survives: Survives::PowerCut,
        }
    }

    #[test]
    fn a_round_has_each_id_once() {
        let writes: Vec<Write> = ["a", "b", "a", "c", "a"].into_iter().map(write).collect();
        assert_eq!(rounds(&writes), [vec![0, 1, 3], vec![2], vec![4]]);
    }
}
