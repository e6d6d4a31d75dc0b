//! Carries out a batch call entry by entry: what failed is tried again with its cause, and
//! nothing is counted as done that was not answered for.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::error_chain::in_one_line;
use crate::transport::{self, Action, EntryFault, EntryResult};

/// Tries of an entry, and the pauses between them: about three seconds in all, so that a broker's
/// restart is survived and a shutdown not held up.
const TRIES: u32 = 6;
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1600));

/// Why an entry was given up: its own fault, or what kept the whole call from an answer.
pub(crate) type LastCause = Arc<dyn Error + Send + Sync>;

/// What became of an entry in the end.
#[derive(Clone, Debug)]
pub(crate) enum Settled<T> {
    /// The endpoint says that it is done.
    Done(T),
    /// The receipt stands for nothing any more: whether the message is gone is not known.
    Stale,
    /// It was tried often enough, or refused for good.
    GaveUp {
        /// What the last try said.
        cause: LastCause,
        /// Whether it is certain that the entry was not done, by none of the tries.
        certain: bool,
    },
}

/// An entry on its way: what it came to, and whether any try may have done it unseen.
struct Entry<T> {
    settled: Option<Settled<T>>,
    doubtful: bool,
}

/// Makes `call`, which is `action`, with all entries, then with those that failed, until each is
/// settled.
pub(crate) async fn settle<E, T, F>(
    action: Action,
    entries: Vec<E>,
    call: impl Fn(Vec<E>) -> F,
) -> Vec<Settled<T>>
where
    E: Clone,
    F: Future<Output = transport::Result<Vec<EntryResult<T>>>>,
{
    let new = |_: &E| Entry { settled: None, doubtful: false };
    let mut states: Vec<Entry<T>> = entries.iter().map(new).collect();
    for tries in 1..=TRIES {
        let open: Vec<usize> = places_open(&states);
        if open.is_empty() {
            break;
        }
        if tries > 1 {
            sleep(TRY_AGAIN.pause(tries - 1)).await;
        }
        let again = open.iter().map(|place| entries[*place].clone()).collect();
        let answers = call(again).await;
        conclude(action, &mut states, &open, answers, tries == TRIES);
    }
    states.into_iter().map(|state| state.settled.unwrap_or_else(unanswered)).collect()
}

/// Of an entry that the last answer has no place for.
fn unanswered<T>() -> Settled<T> {
    let message = "the answer leaves the entry out".to_owned();
    let code = EntryFault::UNANSWERED.to_owned();
    let cause = Arc::new(EntryFault { code, message, sender_fault: false });
    Settled::GaveUp { cause, certain: false }
}

fn places_open<T>(states: &[Entry<T>]) -> Vec<usize> {
    let open = states.iter().enumerate().filter(|(_, state)| state.settled.is_none());
    open.map(|(place, _)| place).collect()
}

fn conclude<T>(
    action: Action,
    states: &mut [Entry<T>],
    open: &[usize],
    answers: transport::Result<Vec<EntryResult<T>>>,
    last: bool,
) {
    match answers {
        Ok(answers) => {
            for (place, answer) in open.iter().zip(answers) {
                conclude_entry(action, &mut states[*place], answer, last);
            }
        }
        Err(error) => {
            let ends = last || !error.is_transient();
            if !ends {
                tracing::debug!(error = in_one_line(&error), "a batch call failed; trying again");
            }
            let (doubtful, cause) = (!error.is_certain(), Arc::new(error));
            for place in open {
                let state = &mut states[*place];
                state.doubtful |= doubtful;
                if ends {
                    state.give_up(Arc::<transport::TransportError>::clone(&cause));
                }
            }
        }
    }
}

fn conclude_entry<T>(action: Action, state: &mut Entry<T>, answer: EntryResult<T>, last: bool) {
    match answer {
        Ok(done) => state.settled = Some(Settled::Done(done)),
        Err(fault) if fault.is_stale_receipt(action) => state.settled = Some(Settled::Stale),
        Err(fault) => {
            state.doubtful |= !fault.is_certain();
            if last || fault.sender_fault {
                state.give_up(Arc::new(fault));
            } else {
                tracing::debug!(%fault, "an entry of a batch failed; trying again");
            }
        }
    }
}

impl<T> Entry<T> {
    fn give_up(&mut self, cause: LastCause) {
        self.settled = Some(Settled::GaveUp { cause, certain: !self.doubtful });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::transport::TransportError;

    fn fault(code: &str, sender_fault: bool) -> EntryFault {
        EntryFault { code: code.to_owned(), message: "no".to_owned(), sender_fault }
    }

    type Answers = Vec<transport::Result<Vec<EntryResult<()>>>>;

    /// What became of an entry, in a word or the cause.
    fn told(settled: &Settled<()>) -> String {
        match settled {
            Settled::Done(()) => "done".to_owned(),
            Settled::Stale => "stale".to_owned(),
            Settled::GaveUp { cause, certain } => {
                let sort = if *certain { "not done" } else { "unknown" };
                format!("{sort}: {}", in_one_line(cause.as_ref()))
            }
        }
    }

    /// What becomes of `entries` of deletes, and which of them each call was made with.
    async fn run(entries: Vec<u32>, answers: Answers) -> (Vec<String>, Vec<Vec<u32>>) {
        run_as(Action::DeleteMessageBatch, entries, answers).await
    }

    async fn run_as(
        action: Action,
        entries: Vec<u32>,
        answers: Answers,
    ) -> (Vec<String>, Vec<Vec<u32>>) {
        let (answers, calls) = (RefCell::new(answers.into_iter()), RefCell::new(Vec::new()));
        let settled = settle(action, entries, |entries| {
            calls.borrow_mut().push(entries);
            let answer = answers.borrow_mut().next().expect("no more calls than answers");
            async { answer }
        })
        .await;
        (settled.iter().map(told).collect(), calls.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn r1_a_failed_entry_is_tried_again_alone() {
        let first = Ok(vec![Ok(()), Err(fault("InternalError", false)), Ok(())]);
        let (settled, calls) = run(vec![1, 2, 3], vec![first, Ok(vec![Ok(())])]).await;
        assert_eq!(calls, [vec![1, 2, 3], vec![2]]);
        assert_eq!(settled, ["done", "done", "done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn r1_an_entry_that_keeps_failing_is_never_counted_as_done() {
        let answer = || Ok(vec![Err(fault("InternalError", false))]);
        let (settled, calls) = run(vec![1], (0..TRIES).map(|_| answer()).collect()).await;
        assert_eq!(calls.len(), TRIES as usize);
        assert_eq!(settled, ["unknown: InternalError: no"]);
    }

    #[tokio::test(start_paused = true)]
    async fn r6_a_stale_receipt_is_unknown_and_not_done() {
        let answer = Ok(vec![Err(fault("ReceiptHandleIsInvalid", true))]);
        let (settled, _) = run(vec![1], vec![answer]).await;
        assert_eq!(settled, ["stale"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_is_made_again_for_all() {
        let (action, target) = (Action::DeleteMessageBatch, "q".to_owned());
        let lost = Err(TransportError::Unknown { action, target, source: "reset".into() });
        let (settled, calls) = run(vec![1, 2], vec![lost, Ok(vec![Ok(()), Ok(())])]).await;
        assert_eq!(calls, [vec![1, 2], vec![1, 2]]);
        assert_eq!(settled, ["done", "done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn l8_a_wrong_value_of_a_send_is_a_refusal_and_no_stale_receipt() {
        let answer = Ok(vec![Err(fault("InvalidParameterValue", true))]);
        let (settled, _) = run_as(Action::SendMessageBatch, vec![1], vec![answer]).await;
        assert_eq!(settled, ["not done: InvalidParameterValue: no"]);
    }

    #[tokio::test(start_paused = true)]
    async fn l5_a_refusal_after_a_try_that_may_have_been_carried_out_is_not_certain() {
        let unknown = Ok(vec![Err(fault("InternalError", false))]);
        let refused = Ok(vec![Err(fault("AccessDenied", true))]);
        let (settled, _) = run(vec![1], vec![unknown, refused]).await;
        assert_eq!(settled, ["unknown: AccessDenied: no"]);
    }

    #[tokio::test(start_paused = true)]
    async fn l8_what_gave_up_keeps_its_causes() {
        let (action, target) = (Action::DeleteMessageBatch, "q".to_owned());
        let source = || "reset".into();
        let lost = || {
            let target = target.clone();
            Err(TransportError::NotSent { action, target, source: source() })
        };
        let (settled, _) = run(vec![1], (0..TRIES).map(|_| lost()).collect()).await;
        assert_eq!(settled, ["not done: DeleteMessageBatch did not reach q: reset"]);
    }
}
