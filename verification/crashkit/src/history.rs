//! What the clients asked for and what they were told, written down outside the broker: the accounts that it is held to.
//!
//! # Invariants
//!
//! - A request is in here before it is sent, so that a history taken at any moment lacks none that may have had an effect.
//! - A request without a definite answer is [`Answer::Unknown`]: it may have been carried out, once, or not.

use std::collections::BTreeMap;

/// Microseconds since the run began, by a clock that the broker does not have.
pub(crate) type Micros = u64;

/// The queues that everybody works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Queue {
    /// A standard queue.
    Plain,
    /// A standard queue whose messages go to [`Self::Dead`] after two receives.
    Redriven,
    /// The dead-letter queue of that one; move tasks empty it.
    Dead,
    /// A FIFO queue.
    Ordered,
}

impl Queue {
    /// All of them, dead-letter queues first: the others name them.
    pub(crate) const ALL: [Self; 4] = [Self::Dead, Self::Plain, Self::Redriven, Self::Ordered];

    /// Its name at the broker.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Redriven => "redriven",
            Self::Dead => "dead",
            Self::Ordered => "ordered.fifo",
        }
    }

    /// Whether messages leave it for another queue: a receipt handle of before is then worth nothing, and says so to nobody.
    pub(crate) const fn is_left(self) -> bool {
        matches!(self, Self::Redriven | Self::Dead)
    }
}

/// Message groups of the FIFO queue.
const GROUPS: u64 = 5;

/// The message group of a message of the FIFO queue.
pub(crate) const fn group_of(number: u64) -> u64 {
    number % GROUPS
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// No answer yet, none at all, or an error from within the broker.
    Unknown,
    /// It was not carried out.
    Refused,
    /// It was carried out.
    Done(T),
}

/// What a sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) message_id: String,
    pub(crate) sequence: Option<u128>,
}

/// A message as somebody was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Which message it is by its body; `None` if that is nobody's.
    pub(crate) number: Option<u64>,
    pub(crate) message_id: String,
    pub(crate) receive_count: u64,
    pub(crate) sequence: Option<u128>,
}

/// A delivery as its receiver holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) number: u64,
    /// The receive, by its place in the history, and the place in its answer.
    pub(crate) delivery: (usize, usize),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Send { number: u64, delay: Micros, answer: Answer<Accepted> },
    Receive { lease: Micros, answer: Answer<Vec<Delivery>> },
    Delete { taken: Taken, answer: Answer<()> },
    ChangeVisibility { taken: Taken, lease: Micros, answer: Answer<()> },
}

impl Request {
    /// The same without what came of it.
    fn unanswered(&self) -> Self {
        let mut unanswered = self.clone();
        match &mut unanswered {
            Self::Send { answer, .. } => *answer = Answer::Unknown,
            Self::Receive { answer, .. } => *answer = Answer::Unknown,
            Self::Delete { answer, .. } | Self::ChangeVisibility { answer, .. } => {
                *answer = Answer::Unknown;
            }
        }
        unanswered
    }
}

/// A request, with when it was made and when its answer was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) start: Micros,
    pub(crate) end: Option<Micros>,
    /// Which start of the broker it was made to.
    pub(crate) boot: u32,
    pub(crate) queue: Queue,
    pub(crate) request: Request,
}

impl Entry {
    /// When it was over at the latest, as far as is known.
    pub(crate) fn ended(&self) -> Micros {
        self.end.unwrap_or(Micros::MAX)
    }
}

/// All requests by their number, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(pub(crate) BTreeMap<usize, Entry>);

impl History {
    /// What was asked and answered by `from`; what was asked or answered until `until` may have had an effect, and what
    /// came later had none.
    pub(crate) fn cut(&self, from: Micros, until: Micros) -> Self {
        let before = self.0.iter().filter(|(_, entry)| entry.start <= until);
        let cut = |(number, entry): (&usize, &Entry)| {
            let mut entry = entry.clone();
            if entry.ended() > from {
                (entry.end, entry.request) = (None, entry.request.unanswered());
            }
            (*number, entry)
        };
        Self(before.map(cut).collect())
    }
}

/// A message as it lies in a queue while nobody does anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) queue: Queue,
    pub(crate) message: Delivery,
}

/// All messages of all queues at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) taken_at: Micros,
    pub(crate) held: Vec<Held>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: Micros, end: Option<Micros>) -> Entry {
        let answer = Answer::Done(Accepted { message_id: "m".to_owned(), sequence: None });
        let request = Request::Send { number: start, delay: 0, answer };
        Entry { start, end, boot: 0, queue: Queue::Plain, request }
    }

    #[test]
    fn what_a_cut_interrupts_is_unknown_and_what_follows_it_did_not_happen() {
        let entries = [entry(0, Some(5)), entry(3, Some(12)), entry(11, Some(13)), entry(21, None)];
        let history = History(entries.into_iter().enumerate().collect());
        let History(left) = history.cut(10, 20);
        assert_eq!(left.len(), 3);
        assert_eq!(left[&0], history.0[&0]);
        for number in [1, 2] {
            let Request::Send { answer, .. } = &left[&number].request else { panic!("a send") };
            assert_eq!((answer, left[&number].end), (&Answer::Unknown, None));
        }
    }
}
