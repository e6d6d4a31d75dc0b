//! Carries out a batch call entry by entry: what failed is tried again with its cause, and
//! nothing is counted as done that was not answered for.
//!
//! What was throttled is asked again after the pause that the gates of the queue say, for as long as its
//! patience lasts, and that counts as no try.
//!
//! # Invariants
//!
//! - An entry with a deadline is asked for before it, or not at all. That it is too late is found out when it would be
//!   asked for, at the latest.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::error_chain::in_one_line;
use crate::transport::{self, Action, EntryFault, EntryResult, TransportError};

/// Tries of an entry, and the pauses between them: about three seconds in all, so that a broker's
/// restart is survived and a shutdown not held up.
const TRIES: u32 = 6;
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1600));

/// How long what is throttled is asked again where nobody waits for it with a patience of their own.
const THROTTLED_FOR: Duration = Duration::from_secs(120);

/// Why an entry was given up: its own fault, or what kept the whole call from an answer.
pub(crate) type LastCause = Arc<dyn Error + Send + Sync>;

/// What became of an entry in the end.
#[derive(Clone, Debug)]
pub(crate) enum Settled<T> {
    /// The endpoint says that it is done.
    Done(T),
    /// The receipt stands for nothing any more: whether the message is gone is not known.
    Stale,
    /// Its deadline came before the endpoint said that it is done.
    Late,
    /// It was tried often enough, or refused for good.
    GaveUp {
        /// What the last try said.
        cause: LastCause,
        /// Whether it is certain that the entry was not done, by none of the tries.
        certain: bool,
        /// How long nothing is asked, if it is the throttling that was not waited for.
        throttled: Option<Duration>,
    },
}

/// How long entries are tried again.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    /// Tries that fail otherwise than by throttling.
    pub(crate) tries: u32,
    /// Until when each entry that is throttled waits.
    pub(crate) throttled_until: Vec<Instant>,
    /// From when on each entry must not be asked for, if there is such a time.
    pub(crate) deadlines: Vec<Option<Instant>>,
}

impl Patience {
    /// As much of it as entries get of which nobody says more.
    fn ordinary(entries: usize) -> Self {
        let throttled_until = vec![Instant::now() + THROTTLED_FOR; entries];
        Self { tries: TRIES, throttled_until, deadlines: vec![None; entries] }
    }
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
    let patience = Patience::ordinary(entries.len());
    settle_within(action, entries, patience, call).await
}

/// The same for entries that come with their deadlines, such as the end of the lease that they spend.
pub(crate) async fn settle_before<E, T, F>(
    action: Action,
    entries: Vec<(E, Instant)>,
    call: impl Fn(Vec<E>) -> F,
) -> Vec<Settled<T>>
where
    E: Clone,
    F: Future<Output = transport::Result<Vec<EntryResult<T>>>>,
{
    let (entries, deadlines): (Vec<E>, Vec<_>) =
        entries.into_iter().map(|(entry, deadline)| (entry, Some(deadline))).unzip();
    let patience = Patience { deadlines, ..Patience::ordinary(entries.len()) };
    settle_within(action, entries, patience, call).await
}

/// The same, for as long as that patience lasts.
pub(crate) async fn settle_within<E, T, F>(
    action: Action,
    entries: Vec<E>,
    patience: Patience,
    call: impl Fn(Vec<E>) -> F,
) -> Vec<Settled<T>>
where
    E: Clone,
    F: Future<Output = transport::Result<Vec<EntryResult<T>>>>,
{
    let new = |_: &E| Entry { settled: None, doubtful: false };
    let mut states: Vec<Entry<T>> = entries.iter().map(new).collect();
    let mut tries = 0;
    loop {
        let open = open_before(&mut states, &patience, Instant::now());
        if open.is_empty() {
            break;
        }
        let again = open.iter().map(|place| entries[*place].clone()).collect();
        let answers = call(again).await;
        let throttled = throttled_for(&answers);
        tries += u32::from(throttled.is_none());
        let pause = throttled.unwrap_or_else(|| TRY_AGAIN.pause(tries));
        let until = Until { again_at: Instant::now() + pause, tries, patience: &patience };
        conclude(action, &mut states, &open, answers, &until);
        if !open_before(&mut states, &patience, until.again_at).is_empty() {
            sleep(pause).await;
        }
    }
    states.into_iter().map(|state| state.settled.unwrap_or_else(unanswered)).collect()
}

/// Until when entries are tried again, and when they would be.
struct Until<'a> {
    again_at: Instant,
    tries: u32,
    patience: &'a Patience,
}

impl Until<'_> {
    fn is_last_try(&self) -> bool {
        self.tries >= self.patience.tries
    }

    /// How long is nothing asked, if the entry at that place does not wait for so long?
    fn too_long_for(&self, place: usize) -> Option<Duration> {
        let too_long = self.again_at > self.patience.throttled_until[place];
        too_long.then(|| self.again_at.saturating_duration_since(Instant::now()))
    }
}

/// When to ask again after an answer by which nothing failed but what was throttled. Of single entries the gate
/// says it once it is asked.
fn throttled_for<T>(answers: &transport::Result<Vec<EntryResult<T>>>) -> Option<Duration> {
    match answers {
        Err(TransportError::Throttled { retry_after, .. }) => {
            Some(retry_after.unwrap_or(TRY_AGAIN.last))
        }
        Err(_) => None,
        Ok(entries) => {
            let mut faults = entries.iter().filter_map(|entry| entry.as_ref().err()).peekable();
            let any = faults.peek().is_some();
            (any && faults.all(EntryFault::is_throttled)).then_some(TRY_AGAIN.first)
        }
    }
}

/// Of an entry that the last answer has no place for.
fn unanswered<T>() -> Settled<T> {
    let message = "the answer leaves the entry out".to_owned();
    let code = EntryFault::UNANSWERED.to_owned();
    let cause = Arc::new(EntryFault { code, message, sender_fault: false });
    Settled::GaveUp { cause, certain: false, throttled: None }
}

/// The places of entries that can still be asked for then. Those whose deadline has come by then are too late.
fn open_before<T>(states: &mut [Entry<T>], patience: &Patience, then: Instant) -> Vec<usize> {
    let mut open = Vec::new();
    for (place, state) in states.iter_mut().enumerate().filter(|(_, it)| it.settled.is_none()) {
        if patience.deadlines[place].is_some_and(|deadline| deadline <= then) {
            state.settled = Some(Settled::Late);
        } else {
            open.push(place);
        }
    }
    open
}

fn conclude<T>(
    action: Action,
    states: &mut [Entry<T>],
    open: &[usize],
    answers: transport::Result<Vec<EntryResult<T>>>,
    until: &Until<'_>,
) {
    match answers {
        Ok(answers) => {
            for (place, answer) in open.iter().zip(answers) {
                let too_long = until.too_long_for(*place);
                conclude_entry(action, &mut states[*place], answer, until.is_last_try(), too_long);
            }
        }
        Err(error) => {
            tracing::debug!(error = in_one_line(&error), "a batch call failed");
            let is_throttled = matches!(error, TransportError::Throttled { .. });
            let last = !error.is_transient() || !is_throttled && until.is_last_try();
            let (doubtful, cause) = (!error.is_certain(), Arc::new(error));
            for place in open {
                let state = &mut states[*place];
                state.doubtful |= doubtful;
                let throttled = until.too_long_for(*place).filter(|_| is_throttled);
                if last || throttled.is_some() {
                    state.give_up(Arc::<TransportError>::clone(&cause), throttled);
                }
            }
        }
    }
}

fn conclude_entry<T>(
    action: Action,
    state: &mut Entry<T>,
    answer: EntryResult<T>,
    last: bool,
    too_long: Option<Duration>,
) {
    match answer {
        Ok(done) => state.settled = Some(Settled::Done(done)),
        Err(fault) if fault.is_stale_receipt(action) => state.settled = Some(Settled::Stale),
        Err(fault) => {
            tracing::debug!(%fault, "an entry of a batch failed");
            state.doubtful |= !fault.is_certain();
            let throttled = too_long.filter(|_| fault.is_throttled());
            let waits = fault.is_throttled() && throttled.is_none();
            if !waits && (last || fault.sender_fault || throttled.is_some()) {
                state.give_up(Arc::new(fault), throttled);
            }
        }
    }
}

impl<T> Entry<T> {
    fn give_up(&mut self, cause: LastCause, throttled: Option<Duration>) {
        let certain = !self.doubtful;
        self.settled = Some(Settled::GaveUp { cause, certain, throttled });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn fault(code: &str, sender_fault: bool) -> EntryFault {
        EntryFault { code: code.to_owned(), message: "no".to_owned(), sender_fault }
    }

    type Answers = Vec<transport::Result<Vec<EntryResult<()>>>>;

    /// What became of an entry, in a word or the cause.
    fn told(settled: &Settled<()>) -> String {
        match settled {
            Settled::Done(()) => "done".to_owned(),
            Settled::Stale => "stale".to_owned(),
            Settled::Late => "late".to_owned(),
            Settled::GaveUp { cause, certain, .. } => {
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

    fn throttled(seconds: u64) -> transport::Result<Vec<EntryResult<()>>> {
        let (action, target) = (Action::SendMessageBatch, "q".to_owned());
        let (code, message) = ("RequestThrottled".to_owned(), "slow down".to_owned());
        let retry_after = Some(Duration::from_secs(seconds));
        Err(TransportError::Throttled { action, target, code, message, retry_after })
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_throttled_is_asked_again_when_the_endpoint_says_and_counts_as_no_try() {
        let begun = Instant::now();
        let answers = (0..20).map(|_| throttled(5)).chain([Ok(vec![Ok(())])]).collect();
        let (settled, calls) = run(vec![1], answers).await;
        assert_eq!((settled, calls.len()), (vec!["done".to_owned()], 21));
        assert_eq!(begun.elapsed(), Duration::from_secs(100));
    }

    #[tokio::test(start_paused = true)]
    async fn r12_of_a_batch_only_the_entries_that_were_throttled_are_asked_again() {
        let first = Ok(vec![Ok(()), Err(fault("RequestThrottled", false)), Ok(())]);
        let (settled, calls) =
            run(vec![1, 2, 3], vec![first, throttled(3), Ok(vec![Ok(())])]).await;
        assert_eq!(calls, [vec![1, 2, 3], vec![2], vec![2]]);
        assert_eq!(settled, ["done", "done", "done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_wait_for_so_long_is_told_at_once_how_long_it_is() {
        let (now, calls) = (Instant::now(), RefCell::new(0));
        let seconds = |seconds| now + Duration::from_secs(seconds);
        let patience = Patience {
            tries: 1,
            throttled_until: vec![seconds(5), seconds(20)],
            deadlines: vec![None; 2],
        };
        let answers = RefCell::new(vec![throttled(9), throttled(7)].into_iter());
        let call = |entries: Vec<u32>| {
            *calls.borrow_mut() += entries.len();
            let answer = answers.borrow_mut().next().unwrap_or_else(|| Ok(vec![Ok(())]));
            async { answer }
        };
        let settled = settle_within(Action::SendMessageBatch, vec![1, 2], patience, call).await;
        let Settled::GaveUp { certain, throttled, .. } = &settled[0] else { panic!("it waited") };
        assert_eq!((*certain, *throttled), (true, Some(Duration::from_secs(9))));
        assert!(matches!(settled[1], Settled::Done(())));
        assert_eq!((calls.into_inner(), now.elapsed()), (4, Duration::from_secs(16)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_for_after_its_deadline_and_who_asked_hears_so_at_once() {
        let (begun, calls) = (Instant::now(), RefCell::new(Vec::new()));
        let at = |seconds| begun + Duration::from_secs(seconds);
        let answers = RefCell::new(vec![throttled(5), throttled(5), throttled(5)].into_iter());
        let call = |entries: Vec<u32>| {
            calls.borrow_mut().push((entries, begun.elapsed().as_secs()));
            let answer = answers.borrow_mut().next().unwrap_or_else(|| Ok(vec![Ok(())]));
            async { answer }
        };
        // One is late already; one will be when it is asked again; one is asked as long as it may be.
        let entries = vec![(1, at(0)), (2, at(5)), (3, at(14)), (4, at(60))];
        let settled = settle_before(Action::DeleteMessageBatch, entries, call).await;
        let told: Vec<_> = settled.iter().map(told).collect();
        assert_eq!(told, ["late", "late", "late", "done"]);
        let expected = [(vec![2, 3, 4], 0), (vec![3, 4], 5), (vec![3, 4], 10), (vec![4], 15)];
        assert_eq!(calls.into_inner(), expected);
        let early =
            settle_before(Action::DeleteMessageBatch, vec![(1, at(20))], |_: Vec<u32>| async {
                throttled(60)
            });
        assert!(matches!(early.await[0], Settled::Late));
        assert_eq!(begun.elapsed(), Duration::from_secs(15), "it was not waited for");
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
