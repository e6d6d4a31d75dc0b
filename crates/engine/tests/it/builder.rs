//! A queue together with a clock and a supply of keys, so that a test reads as what happens.

use std::time::Duration;

use longshore_engine::{Event, MessageKey, Queue, QueueId, Receipt, Receive, Refusal, Send};
use longshore_types::{MessageId, QueueArn, RedrivePolicy, Settings, Timestamp};

/// When every test begins.
pub(crate) const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) const HOURS_12: Duration = secs(43_200);

pub(crate) fn arn(name: &str) -> QueueArn {
    QueueArn::parse(&format!("arn:aws:sqs:us-east-1:000000000000:{name}")).unwrap()
}

/// Settings with a redrive policy.
pub(crate) fn dead_lettering_after(receive_count_max: u32) -> Settings {
    let redrive = Some(RedrivePolicy { target: arn("dead"), receive_count_max });
    Settings { redrive, ..Settings::default() }
}

/// The id of the message of that key.
pub(crate) fn id(key: MessageKey) -> MessageId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.get().to_le_bytes());
    MessageId::from_random(bytes)
}

#[derive(Clone, Debug)]
pub(crate) struct Driven {
    pub(crate) queue: Queue,
    pub(crate) now: Timestamp,
    /// Every event with its time.
    pub(crate) log: Vec<(Timestamp, Event)>,
    last_key: u64,
}

impl Driven {
    pub(crate) fn new(settings: Settings) -> Self {
        let queue = Queue::new(QueueId::new(1), settings);
        Self { queue, now: T0, log: Vec::new(), last_key: 0 }
    }

    /// A queue of default settings with so many available messages, 1 ms apart.
    pub(crate) fn with_messages(count: usize) -> Self {
        let mut driven = Self::new(Settings::default());
        for _ in 0..count {
            driven.send();
            driven.pass(millis(1));
        }
        driven
    }

    /// One message, received.
    pub(crate) fn one_in_flight() -> (Self, Receipt) {
        let mut driven = Self::with_messages(1);
        let receipt = driven.receive_one();
        (driven, receipt)
    }

    /// Time passes; returns what expired.
    pub(crate) fn pass(&mut self, duration: Duration) -> Vec<MessageKey> {
        self.now = self.now + duration;
        self.queue.advance(self.now)
    }

    pub(crate) fn happens(&mut self, event: Event) -> Vec<MessageKey> {
        let gone = self.queue.apply(&event, self.now);
        self.log.push((self.now, event));
        gone
    }

    pub(crate) fn send(&mut self) -> MessageKey {
        self.send_with(None)
    }

    pub(crate) fn send_with(&mut self, delay: Option<Duration>) -> MessageKey {
        self.send_of(None, delay)
    }

    /// Sends a message of that group.
    pub(crate) fn send_of(&mut self, group: Option<&str>, delay: Option<Duration>) -> MessageKey {
        self.last_key += 1;
        let key = MessageKey::new(self.last_key);
        let group = group.map(ToOwned::to_owned);
        let event = self.queue.send(Send { key, id: id(key), bytes: 10, delay, group }, self.now);
        self.happens(event);
        key
    }

    pub(crate) fn receive(&mut self, count_max: usize) -> Vec<Receipt> {
        self.receive_with(Receive { count_max, visibility: None, dead_letter_target_exists: true })
            .unwrap()
    }

    pub(crate) fn receive_for(&mut self, visibility: Duration) -> Vec<Receipt> {
        self.receive_with(Receive {
            count_max: 10,
            visibility: Some(visibility),
            dead_letter_target_exists: true,
        })
        .unwrap()
    }

    pub(crate) fn receive_one(&mut self) -> Receipt {
        self.receive(1)[0]
    }

    /// Receives, and loses what is to be dead-lettered.
    pub(crate) fn receive_with(&mut self, receive: Receive) -> Result<Vec<Receipt>, Refusal> {
        let decision = self.queue.receive(receive, self.now)?;
        if !decision.dead_lettered.is_empty() {
            let keys: Vec<_> = decision.dead_lettered.iter().map(|message| message.key).collect();
            let event = self.queue.dead_letter(&keys);
            self.happens(event);
        }
        let Some(event) = decision.event else { return Ok(Vec::new()) };
        let Event::Received { deliveries } = event.clone() else { panic!("{event:?}") };
        self.happens(event);
        Ok(deliveries.iter().map(|(key, _)| self.receipt(*key)).collect())
    }

    fn receipt(&self, key: MessageKey) -> Receipt {
        let delivery = self.queue.delivery(key).unwrap().number;
        Receipt { queue: self.queue.id(), key, epoch: 1, delivery, received_at: self.now }
    }

    /// Deletes; true if there was something to delete.
    pub(crate) fn delete(&mut self, receipt: &Receipt) -> Result<bool, Refusal> {
        let event = self.queue.delete(receipt, self.now)?;
        Ok(event.is_some_and(|event| self.happens(event) == [receipt.key]))
    }

    /// Changes visibility; true if there was something to change.
    pub(crate) fn change(&mut self, receipt: &Receipt, timeout: Duration) -> Result<bool, Refusal> {
        let event = self.queue.change_visibility(receipt, timeout, self.now)?;
        Ok(event.is_some_and(|event| self.happens(event).is_empty()))
    }

    /// The queue that the log makes.
    pub(crate) fn replayed(&self, settings: Settings) -> Queue {
        let mut queue = Queue::new(self.queue.id(), settings);
        for (at, event) in &self.log {
            let bytes = minicbor::to_vec(event).unwrap();
            queue.apply(&minicbor::decode(&bytes).unwrap(), *at);
        }
        queue.advance(self.now);
        queue
    }

    pub(crate) fn set(&mut self, settings: Settings) -> Vec<MessageKey> {
        let event = self.queue.change_settings(settings);
        self.happens(event)
    }

    /// Available, in flight, delayed.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let counts = self.queue.counts();
        (counts.available, counts.in_flight, counts.delayed)
    }

    pub(crate) fn keys(&self) -> Vec<MessageKey> {
        self.queue.keys().collect()
    }
}

pub(crate) fn keys_of(receipts: &[Receipt]) -> Vec<u64> {
    receipts.iter().map(|receipt| receipt.key.get()).collect()
}
