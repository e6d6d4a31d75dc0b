//! Takes down what was sent, in batches: nobody waits for it, and a mark that is lost costs a
//! repeated reply.

use std::time::Duration;

use crate::batcher::{BatchLoop, Batcher, Linger};
use crate::life::{self, TaskRecord};
use crate::store::{Answer, Change, Records};

/// How long a mark waits for others to share its write.
const LINGER: Linger = Linger::Whole(Duration::from_millis(100));
/// Marks of one write.
const MARKS_MAX: usize = 100;
/// Decisions against what others write.
const ROUNDS_MAX: u32 = 3;

/// What was sent of a task that has ended.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) record: TaskRecord,
    /// The generation whose end it was.
    generation: u32,
    pub(super) reply: bool,
    pub(super) dead_letter: bool,
}

impl Mark {
    /// Nothing was sent yet.
    pub(super) fn of(record: TaskRecord) -> Self {
        let generation = record.life.generation;
        Self { record, generation, reply: false, dead_letter: false }
    }

    /// What to write, and what of the mark outlives it.
    fn change(self) -> Option<(Change, Sent)> {
        let Self { record, generation, reply, dead_letter } = self;
        let next = life::sent(&record, generation, reply, dead_letter)?;
        Some((Change::of(record, next), (generation, reply, dead_letter)))
    }
}

/// A mark without its record: generation, reply, dead letter.
type Sent = (u32, bool, bool);

/// Where marks are handed in.
#[derive(Debug)]
pub(super) struct Marks {
    marks: Batcher<Mark, ()>,
}

/// Writes the marks.
#[derive(Debug)]
pub(super) struct MarksLoop {
    marks: BatchLoop<Mark, ()>,
    records: Records,
}

impl Marks {
    pub(super) fn new(records: Records) -> (Self, MarksLoop) {
        let (marks, batch_loop) = Batcher::with_entries_max(LINGER, MARKS_MAX);
        (Self { marks }, MarksLoop { marks: batch_loop, records })
    }

    /// Has it taken down, soon, what was sent.
    pub(super) async fn mark(&self, mark: Mark) {
        if mark.reply || mark.dead_letter {
            drop(self.marks.submit(mark, 0).await);
        }
    }
}

impl MarksLoop {
    /// Works until the [`Marks`] are gone and everything was written.
    pub(super) async fn run(self) {
        let Self { marks, records } = self;
        marks.run(|batch| write(&records, batch)).await;
    }
}

async fn write(records: &Records, batch: Vec<Mark>) -> Vec<()> {
    let answers = vec![(); batch.len()];
    let mut open = batch;
    for _ in 0..ROUNDS_MAX {
        let changes: Vec<_> = open.into_iter().filter_map(Mark::change).collect();
        if changes.is_empty() {
            return answers;
        }
        let (changes, sent): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        let written = match records.write(changes).await {
            Ok(written) => written,
            Err(error) => {
                tracing::warn!(%error, "replies were sent, and may be sent again");
                return answers;
            }
        };
        open = written.into_iter().zip(sent).filter_map(again).collect();
    }
    answers
}

fn again((answer, (generation, reply, dead_letter)): (Answer, Sent)) -> Option<Mark> {
    match answer {
        Answer::Conflict(found) => {
            Some(Mark { record: found.record?, generation, reply, dead_letter })
        }
        Answer::Written(_) | Answer::Unreadable(_) => None,
    }
}
