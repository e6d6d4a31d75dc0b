//! A store around another that breaks one promise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::BoxFuture;
use longshore_tasks::id::TaskId;
use longshore_tasks::life::{Survives, When};
use longshore_tasks::store::{
    Alias, Expected, LifeRow, ListQuery, Page, Place, PutValue, Result, Row, Store, Timed, Value,
    ValueWritten, Write, Written,
};
use longshore_types::Timestamp;

/// The promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// None: what is noticed is not the wrapping.
    Nothing,
    IgnoresTheVersion,
    WritesOnConflict,
    AnswersConflictWithoutRow,
    SaysWrittenOnConflict,
    ForgetsWake,
    KeepsWake,
    NeverExpires,
    ExpiresWhatLives,
    AliasMovesTheVersion,
    AliasForgetsTheEarlyReply,
    BatchStopsAtConflict,
    BatchAnswersTurnedAround,
    DueTooEarly,
    DueUnordered,
    DueUnbounded,
    ListsTheOldestFirst,
    RepeatsRowsOnPages,
    IgnoresTags,
    IgnoresStandings,
    StampsForHalfAsLong,
    CutsTexts,
    LosesTheHighBit,
    ForgetsTheMark,
    ReplacesAskedByNothing,
    ValuesIgnoreTheVersion,
    ValuesTakePrefixesForPatterns,
    ValuesNeverExpire,
}

impl Wrong {
    pub(crate) const ALL: [Self; 27] = [
        Self::IgnoresTheVersion,
        Self::WritesOnConflict,
        Self::AnswersConflictWithoutRow,
        Self::SaysWrittenOnConflict,
        Self::ForgetsWake,
        Self::KeepsWake,
        Self::NeverExpires,
        Self::ExpiresWhatLives,
        Self::AliasMovesTheVersion,
        Self::AliasForgetsTheEarlyReply,
        Self::BatchStopsAtConflict,
        Self::BatchAnswersTurnedAround,
        Self::DueTooEarly,
        Self::DueUnordered,
        Self::DueUnbounded,
        Self::ListsTheOldestFirst,
        Self::RepeatsRowsOnPages,
        Self::IgnoresTags,
        Self::IgnoresStandings,
        Self::StampsForHalfAsLong,
        Self::CutsTexts,
        Self::LosesTheHighBit,
        Self::ForgetsTheMark,
        Self::ReplacesAskedByNothing,
        Self::ValuesIgnoreTheVersion,
        Self::ValuesTakePrefixesForPatterns,
        Self::ValuesNeverExpire,
    ];
}

#[derive(Debug)]
pub(crate) struct WrongStore {
    inner: Arc<dyn Store>,
    wrong: Wrong,
    /// Wakes that were once written.
    wakes: Mutex<HashMap<TaskId, When>>,
}

fn half(when: When) -> When {
    match when {
        When::In(duration) => When::In(duration / 2),
        When::At(point) => When::At(point),
    }
}

impl WrongStore {
    pub(crate) fn new(inner: Arc<dyn Store>, wrong: Wrong) -> Self {
        Self { inner, wrong, wakes: Mutex::default() }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn spoil(&self, mut write: Write) -> Write {
        match self.wrong {
            Wrong::ForgetsWake => write.life.wake = None,
            Wrong::KeepsWake => {
                let mut wakes = self.wakes.lock().unwrap();
                write.life.wake = write.life.wake.or(wakes.get(&write.id).copied());
                wakes.extend(write.life.wake.map(|wake| (write.id.clone(), wake)));
            }
            Wrong::NeverExpires => write.life.keep = When::In(Duration::MAX),
            Wrong::StampsForHalfAsLong => {
                write.life.until = write.life.until.map(half);
                write.life.keep = half(write.life.keep);
            }
            Wrong::CutsTexts => write.life.text.truncate(65_535),
            Wrong::LosesTheHighBit => write.mark &= u64::MAX >> 1,
            Wrong::ForgetsTheMark => write.mark = 0,
            Wrong::ReplacesAskedByNothing => {
                write.asked.get_or_insert_default();
            }
            _ => {}
        }
        write
    }

    async fn write_one(&self, write: Write) -> Result<Timed<Written>> {
        let write = self.spoil(write);
        let answer = self.inner.write(vec![write.clone()]).await?;
        let written = answer.value.into_iter().next().unwrap();
        let value = match (self.wrong, written) {
            (Wrong::IgnoresTheVersion, Written::Conflict(Some(there))) => {
                let expected = Some(there.version);
                self.inner.write(vec![Write { expected, ..write }]).await?;
                Written::Done
            }
            (Wrong::WritesOnConflict, Written::Conflict(Some(there))) => {
                let expected = Some(there.version);
                self.inner.write(vec![Write { expected, ..write }]).await?;
                Written::Conflict(Some(there))
            }
            (Wrong::AnswersConflictWithoutRow, Written::Conflict(_)) => Written::Conflict(None),
            (Wrong::SaysWrittenOnConflict, Written::Conflict(_)) => Written::Done,
            (_, written) => written,
        };
        Ok(Timed { now: answer.now, value })
    }

    async fn write_all(&self, writes: Vec<Write>) -> Result<Timed<Vec<Written>>> {
        let (mut value, mut now) = (Vec::new(), Timestamp::ZERO);
        for write in writes {
            let stopped = self.is(Wrong::BatchStopsAtConflict)
                && value.iter().any(|one| matches!(one, Written::Conflict(_)));
            if stopped {
                value.push(Written::Conflict(None));
                continue;
            }
            let answer = self.write_one(write).await?;
            now = answer.now;
            value.push(answer.value);
        }
        if self.is(Wrong::BatchAnswersTurnedAround) {
            value.reverse();
        }
        Ok(Timed { now, value })
    }

    async fn alias_one(&self, alias: Alias) -> Result<Timed<Vec<Option<Row>>>> {
        let mut answer = self.inner.alias(vec![alias.clone()]).await?;
        if self.is(Wrong::AliasForgetsTheEarlyReply) {
            answer.value = vec![None];
        }
        let rows = self.inner.read(vec![alias.id]).await?.value;
        if let (Wrong::AliasMovesTheVersion, Some(row)) =
            (self.wrong, rows.into_iter().flatten().next())
        {
            let life = LifeRow {
                text: row.life.text,
                standing: row.life.standing,
                until: row.life.until.map(When::At),
                wake: row.life.wake.map(When::At),
                keep: When::At(row.life.keep),
            };
            let (expected, survives) = (Some(row.version), Survives::PowerCut);
            self.inner
                .write(vec![Write {
                    id: row.id,
                    expected,
                    mark: row.mark,
                    asked: None,
                    life,
                    survives,
                }])
                .await?;
        }
        Ok(answer)
    }

    /// Every row, for answers that choose wrongly among them.
    async fn all(&self) -> Result<Timed<Page>> {
        self.inner.list(ListQuery { count_max: 10_000, ..ListQuery::default() }).await
    }
}

impl Store for WrongStore {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.inner.read(ids)
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.write_all(writes).boxed()
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        async move {
            let mut all = Timed { now: Timestamp::ZERO, value: Vec::new() };
            for alias in aliases {
                let Timed { now, value } = self.alias_one(alias).await?;
                all.now = now;
                all.value.extend(value);
            }
            Ok(all)
        }
        .boxed()
    }

    fn list(&self, mut query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        match self.wrong {
            Wrong::IgnoresTags => query.tag = None,
            Wrong::IgnoresStandings => query.standings.clear(),
            _ => {}
        }
        async move {
            let mut page = self.inner.list(query).await?;
            if self.is(Wrong::ListsTheOldestFirst) {
                page.value.rows.reverse();
            }
            let first = page.value.rows.first().cloned();
            if let (Wrong::RepeatsRowsOnPages, Some(_), Some(first)) =
                (self.wrong, &page.value.next, first)
            {
                let place = Place::of(&first);
                let again = Place { id: format!("{}~", place.id), ..place };
                let last = page.value.rows.last().map(Place::of);
                page.value.next =
                    Some(last.filter(|_| page.value.rows.len() < 2).unwrap_or(again).to_cursor());
            }
            Ok(page)
        }
        .boxed()
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        async move {
            let mut due = self.inner.due(count_max).await?;
            match self.wrong {
                Wrong::DueUnordered => due.value.reverse(),
                Wrong::DueUnbounded => due = self.inner.due(usize::MAX).await?,
                Wrong::DueTooEarly => {
                    let mut rows = self.all().await?.value.rows;
                    rows.retain(|row| row.life.wake.is_some());
                    rows.sort_by_key(|row| row.life.wake);
                    rows.truncate(count_max);
                    due.value = rows;
                }
                _ => {}
            }
            Ok(due)
        }
        .boxed()
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        async move {
            let gone = self.inner.expire(count_max).await?;
            let rows = self.all().await?.value.rows;
            if self.is(Wrong::ExpiresWhatLives) && gone > 0 {
                for row in rows {
                    let (text, standing) = (row.life.text, row.life.standing);
                    let keep = When::At(Timestamp::ZERO);
                    let life = LifeRow { text, standing, until: None, wake: None, keep };
                    let (expected, survives) = (Some(row.version), Survives::PowerCut);
                    self.inner
                        .write(vec![Write {
                            id: row.id,
                            expected,
                            mark: 0,
                            asked: None,
                            life,
                            survives,
                        }])
                        .await?;
                }
            }
            Ok(gone)
        }
        .boxed()
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.inner.values(keys)
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        if !self.is(Wrong::ValuesTakePrefixesForPatterns) {
            return self.inner.list_values(prefix, count_max);
        }
        async move {
            let mut all = self.inner.list_values(String::new(), usize::MAX).await?;
            let like = |key: &str| {
                key.len() >= prefix.len()
                    && prefix.chars().zip(key.chars()).all(|(p, k)| p == '_' || p == k)
            };
            all.value.retain(|value| like(&value.key));
            all.value.truncate(count_max);
            Ok(all)
        }
        .boxed()
    }

    fn put_value(&self, mut put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        match self.wrong {
            Wrong::ValuesIgnoreTheVersion => put.expected = Expected::Anything,
            Wrong::ValuesNeverExpire => put.keep = When::In(Duration::MAX),
            _ => {}
        }
        self.inner.put_value(put)
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
