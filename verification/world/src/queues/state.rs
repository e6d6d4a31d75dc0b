//! The queues themselves: values of the engine, the bodies beside them, and what the book is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_engine::{
    DeduplicationScope, Event, FifoMessage, FifoSend, Message, MessageKey, Queue, QueueId,
    QueueKind, Receipt, Receive, Refusal, Send,
};
use longshore_tasks::Priority;
use longshore_tasks::dead_letter::REASON;
use longshore_tasks::envelope::TASK_ID;
use longshore_tasks::transport::{
    DeadLetterFacts, EntryFault, EntryResult, OutgoingMessage, QueueFacts, QueueHandle,
    ReceiveRequest, ReceivedMessage,
};
use longshore_types::{
    MessageAttribute, MessageAttributes, MessageId, QueueArn, RedrivePolicy, Settings, Timestamp,
};

use super::{REPLIES, STRANGERS_REPLIES, task_queue};
use crate::book::{Book, number};
use crate::plan::{Asked, Plan};
use crate::purposes::hands_back;
use crate::sending::group_name;

/// What a queue is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Tasks,
    DeadTasks,
    Replies,
    DeadReplies,
    /// The replies that strangers wish to have.
    StrangersReplies,
}

#[derive(Debug)]
struct One {
    name: String,
    sort: Sort,
    queue: Queue,
    arn: QueueArn,
    dead_letters: Option<usize>,
}

/// What a message carries.
#[derive(Clone, Debug)]
struct Content {
    body: String,
    attributes: MessageAttributes,
    group: Option<String>,
    /// The task that it is about.
    task: Option<usize>,
}

/// All queues.
#[derive(Debug)]
pub(super) struct State {
    queues: Vec<One>,
    contents: BTreeMap<MessageKey, Content>,
    last_key: u64,
    /// The level that each task is to be sent to, the group of its messages, and whether its reply is to go to a
    /// stranger's own queue.
    ways: Vec<Way>,
    /// Receipts that their messages were handed back by.
    handed_back: BTreeSet<String>,
    healthy: bool,
    book: Book,
}

/// Where the messages of a task go.
#[derive(Debug)]
struct Way {
    level: String,
    group: Option<String>,
    to_stranger: bool,
}

impl Way {
    fn all(plan: &Plan) -> Vec<Self> {
        let tasks = task_queue(plan.fifo);
        let way = |asked: &Asked| Self {
            level: asked.priority.unwrap_or_default().queue_of(tasks),
            group: asked.group.map(group_name),
            to_stranger: asked.stranger.is_some_and(|stranger| stranger.names_queue),
        };
        plan.tasks.iter().map(way).collect()
    }
}

impl State {
    pub(super) fn new(plan: &Plan, book: Book) -> Self {
        let (tasks, suffix) = (task_queue(plan.fifo), if plan.fifo { ".fifo" } else { "" });
        let mut queues = Vec::new();
        let dead = format!("dead-tasks{suffix}");
        add(&mut queues, plan, &dead, Sort::DeadTasks, None);
        add(&mut queues, plan, "dead-replies", Sort::DeadReplies, None);
        add(&mut queues, plan, REPLIES, Sort::Replies, Some(1));
        let levels = match plan.priorities {
            None => vec![tasks.to_owned()],
            Some(_) => Priority::ALL.map(|level| level.queue_of(tasks)).to_vec(),
        };
        for level in levels {
            add(&mut queues, plan, &level, Sort::Tasks, Some(0));
        }
        add(&mut queues, plan, STRANGERS_REPLIES, Sort::StrangersReplies, None);
        Self {
            queues,
            contents: BTreeMap::new(),
            last_key: 0,
            ways: Way::all(plan),
            handed_back: BTreeSet::new(),
            healthy: plan.healthy,
            book,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queues.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.queues.iter().position(|queue| queue.name == name)
    }

    pub(super) fn facts(&self, place: usize, url: &str) -> QueueFacts {
        let One { queue, dead_letters, .. } = &self.queues[place];
        let settings = queue.settings();
        let target = dead_letters.map(|target| self.queues[target].name.clone());
        let most = settings.redrive.as_ref().map(|policy| policy.receive_count_max);
        let dead_letter = target.zip(most).map(|(name, receive_count_max)| DeadLetterFacts {
            queue: QueueHandle::new(&name, &format!("{url}{name}")),
            receive_count_max,
        });
        QueueFacts {
            visibility_timeout: settings.visibility_timeout,
            retention: settings.retention,
            dead_letter,
        }
    }

    pub(super) fn left(&mut self, now: Timestamp) -> (usize, usize) {
        let mut left = (0, 0);
        for one in &mut self.queues {
            one.queue.advance(now);
            let count = one.queue.keys().count();
            match one.sort {
                Sort::Tasks => left.0 += count,
                Sort::Replies => left.1 += count,
                Sort::DeadTasks | Sort::DeadReplies | Sort::StrangersReplies => {}
            }
        }
        left
    }

    pub(super) fn send(
        &mut self,
        place: usize,
        message: OutgoingMessage,
        now: Timestamp,
    ) -> String {
        let key = MessageKey::new(self.last_key + 1);
        let id = message_id(key);
        let queue = &mut self.queues[place].queue;
        queue.advance(now);
        let bytes = u32::try_from(message.bytes()).unwrap_or(u32::MAX);
        let group = message.group_id.clone();
        let event = if let Some(deduplication_id) = message.deduplication_id.clone() {
            let group = group.unwrap_or_default();
            let message = FifoMessage { key, id, bytes, group, deduplication_id };
            match queue.send_fifo(message, now) {
                FifoSend::Accepted { event, .. } => event,
                FifoSend::Duplicate(original) => return original.id.to_string(),
            }
        } else {
            queue.send(Send { key, id, bytes, delay: message.delay.map(whole), group }, now)
        };
        self.last_key += 1;
        self.happens(place, &event, now);
        self.tell_sent(place, key, message);
        id.to_string()
    }

    fn tell_sent(&mut self, place: usize, key: MessageKey, message: OutgoingMessage) {
        let OutgoingMessage { body, attributes, group_id: group, .. } = message;
        let text = |name| attributes.get(name).and_then(MessageAttribute::as_text);
        let sort = self.queues[place].sort;
        let task = match text(TASK_ID).or(text("replyMessageId")) {
            Some(id) => self.book.task_of(id),
            None if sort == Sort::Tasks => self.tell_stranger(key, &body),
            None => None,
        };
        if let Some(task) = task {
            match sort {
                Sort::Tasks => self.tell_task(place, key, task, group.as_ref()),
                Sort::Replies | Sort::StrangersReplies => self.tell_reply(sort, task, &body),
                Sort::DeadTasks if attributes.contains_key(REASON) => {
                    self.book.note(0, "dead letter of", "task", number(task));
                    self.book.pages().tasks[task].dead_letters += 1;
                }
                Sort::DeadTasks | Sort::DeadReplies => {}
            }
        }
        self.contents.insert(key, Content { body, attributes, group, task });
    }

    /// A message without an id of ours: it stands for a task by its own.
    fn tell_stranger(&self, key: MessageKey, body: &str) -> Option<usize> {
        let task = body.parse().ok()?;
        self.book.note_stranger(message_id(key).to_string(), task);
        Some(task)
    }

    fn tell_reply(&self, sort: Sort, task: usize, body: &str) {
        if (sort == Sort::StrangersReplies) != self.ways[task].to_stranger {
            self.book.breaks(|| format!("the reply to task {task} goes to the wrong queue"));
        }
        self.book.reply(task, body);
    }

    /// Sends a dead letter of a task, which was not redriven before, to its queue again. Says which that is.
    pub(super) fn redrive(&mut self, now: Timestamp) -> Option<usize> {
        let of = |sort| self.queues.iter().position(|queue| queue.sort == sort);
        let dead = of(Sort::DeadTasks)?;
        let request = ReceiveRequest {
            count_max: 10,
            wait: Duration::ZERO,
            visibility_timeout: Some(Duration::from_secs(1)),
        };
        let (letters, _) = self.receive(dead, request, now);
        let (letter, task) = letters.into_iter().find_map(|letter| {
            let id = letter.attributes.get(TASK_ID).and_then(MessageAttribute::as_text)?;
            let task = self.book.task_of(id).filter(|_| letter.attributes.contains_key(REASON))?;
            let pages = self.book.pages();
            let page = &pages.tasks[task];
            let is_dead = page.ended.as_ref().is_some_and(|ended| ended.dead);
            (is_dead && page.generation == 1).then_some((letter, task))
        })?;
        let Way { level, group, .. } = &self.ways[task];
        let place = self.find(level)?;
        let mut message = OutgoingMessage::new(letter.body, letter.attributes);
        message.group_id.clone_from(group);
        let is_fifo = self.queues[place].queue.kind() == QueueKind::Fifo;
        message.deduplication_id = is_fifo.then(|| format!("redriven-{task}"));
        self.book.redrive(task);
        self.send(place, message, now);
        self.delete(dead, &letter.receipt_handle, now).expect("it was just received");
        Some(place)
    }

    fn tell_task(&mut self, place: usize, key: MessageKey, task: usize, group: Option<&String>) {
        self.book.note(0, "has", "task", number(task));
        let is_fifo = self.queues[place].queue.kind() == QueueKind::Fifo;
        let (now, level) = (self.book.now(), &self.queues[place].name);
        let is_wrong = *level != self.ways[task].level || group != self.ways[task].group.as_ref();
        let mut pages = self.book.pages();
        if is_wrong {
            pages.break_at(now, || format!("task {task} is sent to {level}, in group {group:?}"));
        }
        let page = &mut pages.tasks[task];
        page.messages += 1;
        if page.enqueued.is_none() {
            page.enqueued = Some((key.get(), group.filter(|_| is_fifo).cloned()));
            page.enqueued_at = now;
        }
    }

    /// What can be received now, and else when something may be.
    pub(super) fn receive(
        &mut self,
        place: usize,
        request: ReceiveRequest,
        now: Timestamp,
    ) -> (Vec<ReceivedMessage>, Option<Timestamp>) {
        let one = &mut self.queues[place];
        one.queue.advance(now);
        let receive = Receive {
            count_max: request.count_max,
            visibility: request.visibility_timeout.map(whole),
            dead_letter_target_exists: one.dead_letters.is_some(),
        };
        let decision = one.queue.receive(receive, now);
        let decision = decision.expect("fewer messages are in flight than can be");
        if !decision.dead_lettered.is_empty() {
            self.dead_letter(place, &decision.dead_lettered, now);
        }
        let Some(event) = decision.event else {
            return (Vec::new(), self.queues[place].queue.next_due());
        };
        self.happens(place, &event, now);
        let Event::Received { deliveries } = event else { return (Vec::new(), None) };
        let received = deliveries.iter().map(|(key, _)| self.deliver(place, *key, now)).collect();
        (received, None)
    }

    fn deliver(&mut self, place: usize, key: MessageKey, now: Timestamp) -> ReceivedMessage {
        let One { name, queue, .. } = &self.queues[place];
        let delivery = queue.delivery(key).expect("it was just received");
        let Content { body, attributes, group, task } = self.contents[&key].clone();
        self.book.note(0, "delivers", name, key.get());
        if let Some(task) = task {
            self.check_promise(key, task);
        }
        ReceivedMessage {
            message_id: delivery.id.to_string(),
            receipt_handle: format!(
                "{place}:{}:{}:{}",
                key.get(),
                delivery.number,
                now.as_millis()
            ),
            body,
            attributes,
            receive_count: delivery.receive_count,
            sent_at: Some(delivery.sent_at),
            group_id: group,
            trace_header: None,
        }
    }

    /// Where nothing fails, a message that a worker has is nobody else's.
    fn check_promise(&self, key: MessageKey, task: usize) {
        let now = self.book.now();
        let mut pages = self.book.pages();
        let promise = pages.promises.get(&key.get()).copied();
        let kept = promise.filter(|(until, who)| *until > now && !pages.killed.contains(who));
        if let Some((until, who)) = kept.filter(|_| self.healthy) {
            pages.break_at(now, || {
                format!("a message of task {task} is delivered, which p{who} has until {until:?}")
            });
        }
    }

    fn dead_letter(&mut self, place: usize, messages: &[Message], now: Timestamp) {
        let Some(target) = self.queues[place].dead_letters else { return };
        let keys: Vec<_> = messages.iter().map(|message| message.key).collect();
        let leave = self.queues[place].queue.dead_letter(&keys);
        self.happens(place, &leave, now);
        let arrive = Queue::arrive(messages.to_vec(), self.queues[place].arn.clone());
        self.happens(target, &arrive, now);
        for key in keys {
            let task = self.contents.get(&key).and_then(|content| content.task);
            let Some(task) = task.filter(|_| self.queues[place].sort == Sort::Tasks) else {
                continue;
            };
            self.book.note(0, "takes worn out", "task", number(task));
            let mut pages = self.book.pages();
            let page = &mut pages.tasks[task];
            page.messages = page.messages.saturating_sub(1);
            page.worn_out |= page.messages == 0 && page.ended.is_none();
        }
    }

    pub(super) fn delete(
        &mut self,
        place: usize,
        receipt: &str,
        now: Timestamp,
    ) -> EntryResult<()> {
        let parsed = parse(receipt)?;
        self.queues[place].queue.advance(now);
        let event =
            self.queues[place].queue.delete(&parsed, now).map_err(|error| refused(&error))?;
        let Some(event) = event else { return Ok(()) };
        self.happens(place, &event, now);
        let content = self.contents.remove(&parsed.key);
        self.book.note(0, "deletes", &self.queues[place].name, parsed.key.get());
        let task = content.and_then(|content| content.task);
        if let Some(task) = task.filter(|_| self.queues[place].sort == Sort::Tasks) {
            self.book.message_gone(task);
        }
        Ok(())
    }

    pub(super) fn change_visibility(
        &mut self,
        place: usize,
        receipt: &str,
        timeout: Duration,
        now: Timestamp,
    ) -> EntryResult<()> {
        let parsed = parse(receipt)?;
        let queue = &mut self.queues[place].queue;
        queue.advance(now);
        let event = queue.change_visibility(&parsed, whole(timeout), now);
        let event = event.map_err(|error| refused(&error))?;
        self.check_renewal(place, receipt, timeout);
        if let Some(event) = event {
            self.happens(place, &event, now);
        }
        Ok(())
    }

    /// What was handed back is not renewed by the same receipt. A change that nobody accounts for, a duplicate's, is
    /// neither.
    fn check_renewal(&mut self, place: usize, receipt: &str, timeout: Duration) {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.book.note(0, "leases on", &self.queues[place].name, millis);
        if hands_back() {
            self.handed_back.insert(receipt.to_owned());
        } else if !timeout.is_zero() && self.handed_back.contains(receipt) {
            self.book.breaks(|| {
                format!("the message of receipt {receipt} is renewed after it was handed back")
            });
        }
    }

    fn happens(&mut self, place: usize, event: &Event, now: Timestamp) {
        for key in self.queues[place].queue.apply(event, now) {
            if !matches!(event, Event::Deleted { .. }) {
                self.contents.remove(&key);
            }
        }
    }
}

fn add(queues: &mut Vec<One>, plan: &Plan, name: &str, sort: Sort, dead_letters: Option<usize>) {
    let number = u64::try_from(queues.len()).unwrap_or(u64::MAX) + 1;
    let arn = |name: &str| {
        let text = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        QueueArn::parse(&text).expect("the names of these queues are valid")
    };
    let most = if sort == Sort::Tasks { plan.receives.max } else { 1000 };
    let redrive = dead_letters.map(|target| RedrivePolicy {
        target: queues[target].arn.clone(),
        receive_count_max: most,
    });
    let settings = Settings { visibility_timeout: plan.visibility, redrive, ..Settings::default() };
    let id = QueueId::new(number);
    let queue = if QueueHandle::from_url(name).is_fifo() {
        Queue::fifo(id, settings, DeduplicationScope::Queue)
    } else {
        Queue::new(id, settings)
    };
    queues.push(One { name: name.to_owned(), sort, queue, arn: arn(name), dead_letters });
}

/// The id that the message of that key is sent with.
fn message_id(key: MessageKey) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&key.get().to_be_bytes());
    MessageId::from_random(bytes)
}

/// SQS counts whole seconds; what is between is rounded up.
fn whole(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs() + u64::from(duration.subsec_nanos() > 0))
}

fn parse(receipt: &str) -> EntryResult<Receipt> {
    let parts: Vec<u64> = receipt.split(':').filter_map(|part| part.parse().ok()).collect();
    let &[place, key, delivery, received_at] = parts.as_slice() else {
        return Err(fault("ReceiptHandleIsInvalid", "it is no receipt handle"));
    };
    Ok(Receipt {
        queue: QueueId::new(place + 1),
        key: MessageKey::new(key),
        epoch: 1,
        delivery: u32::try_from(delivery).unwrap_or(u32::MAX),
        received_at: Timestamp::from_millis(received_at),
    })
}

fn refused(refusal: &Refusal) -> EntryFault {
    fault("InvalidParameterValue", &refusal.to_string())
}

fn fault(code: &str, message: &str) -> EntryFault {
    EntryFault { code: code.to_owned(), message: message.to_owned(), sender_fault: true }
}
