//! The steps of a send: PENDING → send → alias, if a reply or a repeated send may name the `MessageId`. Each is one call for a
//! whole batch.
//!
//! What is sent one by one meets in [`lanes`](super::lanes), and comes here in batches too.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use longshore_types::limits::{BATCH_ENTRIES_MAX, RETENTION_MAX};

use tokio::time::Instant;

use super::SendError;
use super::prepare::Prepared;
use crate::batch_entries::{Patience, Settled, settle_within};
use crate::batcher::Packing;
use crate::error_chain::in_one_line;
use crate::id::TaskId;
use crate::life::{self, Next, Repeated, Survives, TaskRecord, When};
use crate::reply::Reply;
use crate::store::{Alias, Answer, Change, Records, StoreError};
use crate::trace::spans;
use crate::transport::meter::{Charged, Item, charge};
use crate::transport::{
    Action, Gated, OutgoingMessage, Purpose, QueueHandle, SentMessage, Transport as _,
};

/// What became of a task, in its place.
pub(super) type Sent = Result<TaskId, SendError>;

/// A task whose record is there, and whose message is to be sent.
struct Begun {
    place: usize,
    prepared: Prepared,
    /// The record that this send wrote; `None` if one was there before.
    record: Option<TaskRecord>,
}

impl Begun {
    fn charged(&self) -> Charged<OutgoingMessage> {
        let item = Item { purpose: Purpose::Task, task: self.prepared.name.into() };
        Charged { entry: self.prepared.message.clone(), item }
    }
}

impl Prepared {
    /// The first version of its record. Its alias, if it has one, survives a power cut, and all that was written before it.
    fn first(&self) -> Next {
        let next = life::submitted(Arc::clone(&self.asked));
        if self.has_alias { next } else { Next { survives: Survives::PowerCut, ..next } }
    }
}

/// Sends tasks.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) transport: Arc<Gated>,
    pub(super) records: Records,
    /// How long a result is known.
    pub(super) retention: Duration,
}

impl Sending {
    /// Sends tasks to a queue, in batches of as many as fit, and answers for each in its place. Tasks of one
    /// id are one task: the first of them is sent, and its answer is that of all.
    pub(super) async fn send(&self, queue: &QueueHandle, tasks: Vec<Prepared>) -> Vec<Sent> {
        let mut answers: Vec<Option<Sent>> = tasks.iter().map(|_| None).collect();
        let (mut tasks, repeated) = take_repeated(tasks);
        while !tasks.is_empty() {
            let batch = take_batch(&mut tasks);
            self.send_batch(queue, batch, &mut answers).await;
        }
        for (place, first) in repeated {
            answers[place] = answers[first].as_ref().map(again);
        }
        answers.into_iter().map(|answer| answer.expect("every task is answered for")).collect()
    }

    async fn send_batch(
        &self,
        queue: &QueueHandle,
        batch: Vec<(usize, Prepared)>,
        answers: &mut [Option<Sent>],
    ) {
        let batch = self.refuse_throttled(queue, batch, answers);
        let begun = self.begin(batch, answers).await;
        if begun.is_empty() {
            return;
        }
        let mut aliases = Vec::new();
        for (task, settled) in begun.iter().zip(self.settle(queue, &begun).await) {
            let id = task.prepared.id.clone();
            answers[task.place] = Some(match settled {
                Settled::Done(sent) => {
                    spans::sent(&task.prepared.span, &sent.message_id);
                    if task.prepared.has_alias {
                        aliases.push((id.clone(), sent.message_id));
                    }
                    Ok(id)
                }
                Settled::Stale | Settled::Late => {
                    unreachable!("a send names no receipt, and has no deadline here")
                }
                Settled::GaveUp { cause, certain, throttled } => {
                    spans::fail(&task.prepared.span, why(certain, throttled.is_some()));
                    if certain {
                        self.withdraw(task.record.clone()).await;
                    }
                    Err(not_sent(id, in_one_line(&*cause), certain, throttled))
                }
            });
        }
        self.note_aliases(aliases).await;
    }

    /// Sends the messages. What fails in a way that can pass, the transport tries again; what is throttled is
    /// asked again here.
    async fn settle(&self, queue: &QueueHandle, begun: &[Begun]) -> Vec<Settled<SentMessage>> {
        let messages = begun.iter().map(Begun::charged).collect();
        let throttled_until = begun.iter().map(|task| task.prepared.throttled_until).collect();
        let deadlines = vec![None; begun.len()];
        let patience = Patience { tries: 1, throttled_until, deadlines };
        let send =
            |messages| charge(messages, |messages| self.transport.send_batch(queue, messages));
        settle_within(Action::SendMessageBatch, messages, patience, send).await
    }

    /// The tasks that wait for as long as their queue throttles sends; the others are answered, and nothing is
    /// written for them.
    fn refuse_throttled(
        &self,
        queue: &QueueHandle,
        batch: Vec<(usize, Prepared)>,
        answers: &mut [Option<Sent>],
    ) -> Vec<(usize, Prepared)> {
        let shut = self.transport.gates().shut_for(queue.url(), Action::SendMessageBatch);
        let Some(retry_after) = shut else { return batch };
        let opens_at = Instant::now() + retry_after;
        let (waiting, refused): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, task)| opens_at <= task.throttled_until);
        for (place, task) in refused {
            spans::fail(&task.span, "throttled");
            let reason = format!("{} throttles sends", queue.name());
            answers[place] = Some(Err(SendError::Throttled { retry_after, reason }));
        }
        waiting
    }

    /// Writes PENDING. A task whose id is there is sent again only if it is not known to be sent.
    async fn begin(
        &self,
        batch: Vec<(usize, Prepared)>,
        answers: &mut [Option<Sent>],
    ) -> Vec<Begun> {
        if batch.is_empty() {
            return Vec::new();
        }
        let first = |(_, task): &(usize, Prepared)| Change::first(task.id.clone(), task.first());
        let written = match self.records.write(batch.iter().map(first).collect()).await {
            Ok(written) => written,
            Err(error) => {
                let reason = error.to_string();
                let store = self.records.store().name().to_owned();
                let fail = || StoreError::unavailable(&store, "note a task", reason.clone());
                for (place, task) in batch {
                    spans::fail(&task.span, "store");
                    answers[place] = Some(Err(SendError::Store(fail())));
                }
                return Vec::new();
            }
        };
        let mut begun = Vec::new();
        for ((place, prepared), answer) in batch.into_iter().zip(written) {
            match self.begun_by(&prepared, answer).await {
                Ok(Start::Known) => answers[place] = Some(Ok(prepared.id)),
                Ok(Start::Again) => begun.push(Begun { place, prepared, record: None }),
                Ok(Start::Anew(record)) => {
                    begun.push(Begun { place, prepared, record: Some(*record) });
                }
                Err(error) => {
                    spans::fail(&prepared.span, "store");
                    answers[place] = Some(Err(SendError::Store(error)));
                }
            }
        }
        begun
    }

    async fn begun_by(&self, task: &Prepared, answer: Answer) -> Result<Start, StoreError> {
        let found = match answer {
            Answer::Written(record) => return Ok(Start::Anew(record)),
            Answer::Unreadable(error) => return Err(error),
            Answer::Conflict(found) => found,
        };
        let written = self.records.change(found, |found| {
            Ok::<_, StoreError>(match found.record {
                None => Some(Change::first(task.id.clone(), task.first())),
                Some(there) => match life::repeated(&there) {
                    Repeated::Known => None,
                    Repeated::Send => {
                        let next = life::submitted_again(&there, Arc::clone(&task.asked));
                        Some(Change::of(there, next))
                    }
                },
            })
        });
        Ok(match written.await? {
            // Who met a record that was withdrawn since is the first, and may withdraw its own.
            Some(record) if record.version == 1 => Start::Anew(Box::new(record)),
            Some(_) => Start::Again,
            None => Start::Known,
        })
    }

    /// The task is certainly not on the queue: its record goes, unless somebody has seen it.
    async fn withdraw(&self, record: Option<TaskRecord>) {
        let Some(record) = record else { return };
        let id = record.id.clone();
        if let Err(error) = self.records.write_one(Change::of(record, life::withdrawn())).await {
            tracing::warn!(task = %id, %error, "the task was not sent, and stays PENDING");
        }
    }

    /// The tasks are on the queue, so a store that fails now is no reason to say otherwise: only a
    /// foreign worker's reply would not be found.
    async fn note_aliases(&self, sent: Vec<(TaskId, String)>) {
        let alias = |(id, message_id): &(TaskId, String)| {
            let message_id =
                TaskId::parse(message_id).ok().filter(|message_id| message_id != id)?;
            Some(Alias { message_id, id: id.clone(), keep: When::In(RETENTION_MAX) })
        };
        let aliases: Vec<Alias> = sent.iter().filter_map(alias).collect();
        if aliases.is_empty() {
            return;
        }
        let ids: Vec<TaskId> = aliases.iter().map(|alias| alias.id.clone()).collect();
        match self.records.alias(aliases).await {
            Err(error) => {
                tracing::warn!(%error, "tasks were sent; their message ids were not noted");
            }
            Ok(early) => {
                for (id, reply) in ids.into_iter().zip(early) {
                    if let Some(reply) = reply {
                        self.take_in_early(id, reply).await;
                    }
                }
            }
        }
    }

    /// A foreign worker was faster than the alias: its reply was kept hidden until now.
    async fn take_in_early(&self, id: TaskId, reply: Reply) {
        let taken = self.records.take_in(&id, &reply, self.retention).await;
        if let Err(error) = taken {
            tracing::warn!(task = %id, %error, "an early reply was not taken in");
        }
    }
}

/// What a send begins with.
enum Start {
    /// The record that it wrote.
    Anew(Box<TaskRecord>),
    /// A record was there whose message is not known to be on the queue: it is sent again.
    Again,
    /// The task was accepted before: nothing is to be sent.
    Known,
}

/// How a send failed, in the word of its span.
fn why(certain: bool, throttled: bool) -> &'static str {
    match (certain, throttled) {
        (false, _) => "unknown",
        (true, true) => "throttled",
        (true, false) => "not_sent",
    }
}

/// Why a task was not sent, or may not have been.
fn not_sent(id: TaskId, reason: String, certain: bool, throttled: Option<Duration>) -> SendError {
    match (certain, throttled) {
        (false, _) => SendError::Unknown { id, reason },
        (true, Some(retry_after)) => SendError::Throttled { retry_after, reason },
        (true, None) => SendError::NotSent { reason },
    }
}

/// Tasks, with their places among those that were asked for.
type Placed = VecDeque<(usize, Prepared)>;

/// The tasks in their places; and each whose id is an earlier one's, with the place of that.
fn take_repeated(tasks: Vec<Prepared>) -> (Placed, Vec<(usize, usize)>) {
    let (mut first, mut repeated) = (HashMap::new(), Vec::new());
    let mut own = VecDeque::with_capacity(tasks.len());
    for (place, task) in tasks.into_iter().enumerate() {
        match *first.entry(task.id.clone()).or_insert(place) {
            earlier if earlier == place => own.push_back((place, task)),
            earlier => repeated.push((place, earlier)),
        }
    }
    (own, repeated)
}

/// The same answer for another who asked.
fn again(sent: &Sent) -> Sent {
    let error = match sent {
        Ok(id) => return Ok(id.clone()),
        Err(error) => error,
    };
    Err(match error {
        SendError::NotSent { reason } => SendError::NotSent { reason: reason.clone() },
        SendError::Throttled { retry_after, reason } => {
            SendError::Throttled { retry_after: *retry_after, reason: reason.clone() }
        }
        SendError::Unknown { id, reason } => {
            SendError::Unknown { id: id.clone(), reason: reason.clone() }
        }
        SendError::Invalid { reason } => SendError::invalid(reason.clone()),
        SendError::Store(error) => {
            SendError::Store(StoreError::unavailable("the store", "note a task", error.to_string()))
        }
    })
}

/// The tasks that come first, as many as one call takes.
fn take_batch(tasks: &mut Placed) -> Vec<(usize, Prepared)> {
    let mut packing = Packing::new(BATCH_ENTRIES_MAX);
    let next = || tasks.pop_front_if(|(_, task)| packing.take(task.message.bytes()));
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientOptions, SendOptions, prepare};
    use crate::codec::Json;
    use crate::task::Task;
    use crate::task_options::ReplyMode;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Count(u32);

    impl Task for Count {
        const NAME: &'static str = "count";
        type Reply = u32;
        type Codec = Json;
    }

    /// Whether a task has an alias, and what its record survives before it is sent.
    fn noted(mode: ReplyMode, id: Option<&str>) -> (bool, Survives) {
        let replies = [(Count::NAME.to_owned(), mode)].into();
        let options = ClientOptions { replies, ..ClientOptions::default() };
        let id = id.map(|id| TaskId::parse(id).unwrap());
        let send = SendOptions { id, ..SendOptions::default() };
        let queue = QueueHandle::new("tasks", "http://localhost/1/tasks");
        let prepared = prepare::prepare(&Count(1), send, &queue, &options).unwrap();
        (prepared.has_alias, prepared.first().survives)
    }

    #[test]
    fn a_task_has_an_alias_where_anybody_may_come_with_its_message_id() {
        let (with, without) = ((true, Survives::Kill), (false, Survives::PowerCut));
        for (mode, id, expected) in [
            (ReplyMode::Queue, None, with),
            (ReplyMode::Store, None, with),
            (ReplyMode::None, None, without),
            (ReplyMode::None, Some("of-the-caller"), with),
        ] {
            assert_eq!(noted(mode, id), expected, "{mode:?} {id:?}");
        }
    }
}
