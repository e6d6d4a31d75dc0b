//! Carries out a batch call entry by entry: what failed is tried again with its cause, and
//! nothing is counted as done that was not answered for.

use std::time::Duration;

use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::transport::{self, EntryResult};

/// Tries of an entry, and the pauses between them: about three seconds in all, so that a broker's
/// restart is survived and a shutdown not held up.
const TRIES: u32 = 6;
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1600));

/// What became of an entry in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled<T> {
    /// The endpoint says that it is done.
    Done(T),
    /// The receipt stands for nothing any more: whether the message is gone is not known.
    Stale,
    /// It was tried often enough, or refused for good: the last cause.
    GaveUp(String),
}

/// Makes `call` with all entries, then with those that failed, until each is settled.
pub(crate) async fn settle<E, T, F>(entries: Vec<E>, call: impl Fn(Vec<E>) -> F) -> Vec<Settled<T>>
where
    E: Clone,
    F: Future<Output = transport::Result<Vec<EntryResult<T>>>>,
{
    let mut settled: Vec<Option<Settled<T>>> = entries.iter().map(|_| None).collect();
    for tries in 1..=TRIES {
        let open: Vec<usize> = places_open(&settled);
        if open.is_empty() {
            break;
        }
        if tries > 1 {
            sleep(TRY_AGAIN.pause(tries - 1)).await;
        }
        let again = open.iter().map(|place| entries[*place].clone()).collect();
        let answers = call(again).await;
        conclude(&mut settled, &open, answers, tries == TRIES);
    }
    let unanswered = || Settled::GaveUp("the answer leaves the entry out".to_owned());
    settled.into_iter().map(|one| one.unwrap_or_else(unanswered)).collect()
}

fn places_open<T>(settled: &[Option<Settled<T>>]) -> Vec<usize> {
    let open = settled.iter().enumerate().filter(|(_, one)| one.is_none());
    open.map(|(place, _)| place).collect()
}

fn conclude<T>(
    settled: &mut [Option<Settled<T>>],
    open: &[usize],
    answers: transport::Result<Vec<EntryResult<T>>>,
    last: bool,
) {
    match answers {
        Ok(answers) => {
            for (place, answer) in open.iter().zip(answers) {
                settled[*place] = conclude_entry(answer, last);
            }
        }
        Err(error) if last || !error.is_transient() => {
            for place in open {
                settled[*place] = Some(Settled::GaveUp(error.to_string()));
            }
        }
        Err(error) => tracing::debug!(%error, "a batch call failed; trying again"),
    }
}

fn conclude_entry<T>(answer: EntryResult<T>, last: bool) -> Option<Settled<T>> {
    match answer {
        Ok(done) => Some(Settled::Done(done)),
        Err(fault) if fault.is_stale_receipt() => Some(Settled::Stale),
        Err(fault) if last || fault.sender_fault => Some(Settled::GaveUp(fault.to_string())),
        Err(fault) => {
            tracing::debug!(%fault, "an entry of a batch failed; trying again");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::transport::{Action, EntryFault, TransportError};

    fn fault(code: &str, sender_fault: bool) -> EntryFault {
        EntryFault { code: code.to_owned(), message: "no".to_owned(), sender_fault }
    }

    type Answers = Vec<transport::Result<Vec<EntryResult<()>>>>;

    /// What becomes of `entries`, and which of them each call was made with.
    async fn run(entries: Vec<u32>, answers: Answers) -> (Vec<Settled<()>>, Vec<Vec<u32>>) {
        let (answers, calls) = (RefCell::new(answers.into_iter()), RefCell::new(Vec::new()));
        let settled = settle(entries, |entries| {
            calls.borrow_mut().push(entries);
            let answer = answers.borrow_mut().next().expect("no more calls than answers");
            async { answer }
        })
        .await;
        (settled, calls.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn r1_a_failed_entry_is_tried_again_alone() {
        let first = Ok(vec![Ok(()), Err(fault("InternalError", false)), Ok(())]);
        let (settled, calls) = run(vec![1, 2, 3], vec![first, Ok(vec![Ok(())])]).await;
        assert_eq!(calls, [vec![1, 2, 3], vec![2]]);
        assert_eq!(settled, [Settled::Done(()), Settled::Done(()), Settled::Done(())]);
    }

    #[tokio::test(start_paused = true)]
    async fn r1_an_entry_that_keeps_failing_is_never_counted_as_done() {
        let answer = || Ok(vec![Err(fault("InternalError", false))]);
        let (settled, calls) = run(vec![1], (0..TRIES).map(|_| answer()).collect()).await;
        assert_eq!(calls.len(), TRIES as usize);
        assert_eq!(settled, [Settled::GaveUp("InternalError: no".to_owned())]);
    }

    #[tokio::test(start_paused = true)]
    async fn r6_a_stale_receipt_is_unknown_and_not_done() {
        let answer = Ok(vec![Err(fault("ReceiptHandleIsInvalid", true))]);
        let (settled, _) = run(vec![1], vec![answer]).await;
        assert_eq!(settled, [Settled::Stale]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_is_made_again_for_all() {
        let (action, target) = (Action::DeleteMessageBatch, "q".to_owned());
        let lost = Err(TransportError::Unknown { action, target, source: "reset".into() });
        let (settled, calls) = run(vec![1, 2], vec![lost, Ok(vec![Ok(()), Ok(())])]).await;
        assert_eq!(calls, [vec![1, 2], vec![1, 2]]);
        assert_eq!(settled, [Settled::Done(()), Settled::Done(())]);
    }
}
