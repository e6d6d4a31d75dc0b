//! Calls that come while others are under way share the next one.
//!
//! ```text
//! call([a])               ──▶ ask([a])          as many as may be are under way: what comes now waits
//! call([b]), call([c, d]) ──▶ ask([b, c, d])    once one of those has ended
//! ```
//!
//! A call never waits for company: if it can leave at once, it leaves alone.
//!
//! # Invariants
//!
//! - Each caller gets the answers to its own rows. All callers of a group get the same time, which is
//!   later than each of them asked.
//! - A group has a bounded number of rows and bytes, or is one call. A bounded number of calls wait,
//!   each for a bounded time.
//! - A failed group fails for each of its callers, who can repeat their calls; nothing is repeated
//!   here. After a failure calls leave alone until one succeeds, and then in groups that double. So a
//!   row that the store cannot take fails alone when it is repeated.
//! - A group does not depend on its callers: one that stops polling holds up nobody. A call whose
//!   caller has gone before its group left is not made.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{Result, StoreError, Timed};
use crate::transport::BoxFuture;

/// Bytes of a group's texts.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Calls of one kind that wait or are under way; further callers wait before they hand theirs in.
const CALLS_MAX: usize = 1024;
/// How long a call waits to leave: as long as a store on a server lets a trip take.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Asks a store about rows; it answers for each in its place.
type Ask<I, O> = Box<dyn Fn(Vec<I>) -> BoxFuture<'static, Result<Timed<Vec<O>>>> + Send + Sync>;

/// A kind of calls.
pub(super) struct Kind<I, O> {
    /// Which store, for errors.
    pub(super) store: String,
    /// What is asked of it, for errors.
    pub(super) action: &'static str,
    /// Calls under way at once.
    pub(super) at_once_max: usize,
    /// Rows of a group.
    pub(super) rows_max: usize,
    /// Bytes of a row.
    pub(super) bytes: fn(&I) -> usize,
    /// Makes a call.
    pub(super) ask: Ask<I, O>,
}

/// Where calls of one kind are handed in.
pub(super) struct Groups<I, O> {
    shared: Arc<Shared<I, O>>,
    /// A place for each call that waits or is under way.
    places: Semaphore,
    /// The tasks that carry out groups. They end when nobody waits, or with this.
    runners: Mutex<JoinSet<()>>,
}

/// What callers and runners share.
struct Shared<I, O> {
    kind: Kind<I, O>,
    queue: Mutex<Queue<I, O>>,
}

/// Calls that wait, and who carries them out.
struct Queue<I, O> {
    waiting: VecDeque<Call<I, O>>,
    runners: usize,
    /// Calls of the next group: one after a failure.
    calls_max: usize,
    /// The number of the next call.
    number: u64,
}

/// A call that waits.
struct Call<I, O> {
    number: u64,
    rows: Vec<I>,
    bytes: usize,
    answer: oneshot::Sender<Result<Timed<Vec<O>>>>,
}

impl<I: Send + 'static, O: Send + 'static> Groups<I, O> {
    /// A place for calls of that kind.
    pub(super) fn new(kind: Kind<I, O>) -> Self {
        let queue = Queue { waiting: VecDeque::new(), runners: 0, calls_max: CALLS_MAX, number: 0 };
        Self {
            shared: Arc::new(Shared { kind, queue: Mutex::new(queue) }),
            places: Semaphore::new(CALLS_MAX),
            runners: Mutex::default(),
        }
    }

    /// Asks about rows, alone or with those of others. The calling runtime carries it out.
    ///
    /// # Errors
    ///
    /// As of the store; and if earlier calls keep this one waiting for too long.
    pub(super) async fn call(&self, rows: Vec<I>) -> Result<Timed<Vec<O>>> {
        let gives_up_at = Instant::now() + WAIT_MAX;
        let Ok(place) = timeout_at(gives_up_at, self.places.acquire()).await else {
            return Err(self.shared.late());
        };
        let (number, mut answer) = self.hand_in(rows);
        let settled = match timeout_at(gives_up_at, &mut answer).await {
            Ok(settled) => settled,
            Err(_) if self.shared.take_back(number) => Ok(Err(self.shared.late())),
            Err(_) => answer.await,
        };
        drop(place);
        settled.unwrap_or_else(|_| Err(self.shared.unavailable("its runtime has ended")))
    }

    fn hand_in(&self, rows: Vec<I>) -> (u64, oneshot::Receiver<Result<Timed<Vec<O>>>>) {
        let bytes = rows.iter().map(self.shared.kind.bytes).sum();
        let (answer, answered) = oneshot::channel();
        let mut queue = self.shared.queue();
        let number = queue.number;
        queue.number += 1;
        queue.waiting.push_back(Call { number, rows, bytes, answer });
        if queue.runners < self.shared.kind.at_once_max {
            queue.runners += 1;
            self.start(Runner { shared: Arc::clone(&self.shared), is_counted: true });
        }
        (number, answered)
    }

    fn start(&self, runner: Runner<I, O>) {
        let mut runners = self.runners.lock().unwrap_or_else(PoisonError::into_inner);
        while runners.try_join_next().is_some() {}
        runners.spawn(runner.run());
    }
}

impl<I, O> Shared<I, O> {
    fn queue(&self) -> MutexGuard<'_, Queue<I, O>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a call back; `false` if it has left.
    fn take_back(&self, number: u64) -> bool {
        let mut queue = self.queue();
        let before = queue.waiting.len();
        queue.waiting.retain(|call| call.number != number);
        queue.waiting.len() < before
    }

    fn unavailable(&self, why: &'static str) -> StoreError {
        StoreError::unavailable(&self.kind.store, self.kind.action, why)
    }

    fn late(&self) -> StoreError {
        self.unavailable("it has not answered earlier calls for five seconds")
    }

    /// Makes one call of these, and answers each.
    async fn carry_out(&self, mut group: Vec<Call<I, O>>) {
        let counts: Vec<usize> = group.iter().map(|call| call.rows.len()).collect();
        let rows = group.iter_mut().flat_map(|call| std::mem::take(&mut call.rows)).collect();
        let answer = (self.kind.ask)(rows).await;
        self.queue().pace(answer.is_ok());
        let answers = match answer {
            Ok(answer) => split(answer, &counts),
            Err(error) => share(error, counts.len()),
        };
        for (call, answer) in group.into_iter().zip(answers) {
            // Who asked may have gone; what was done stays done.
            drop(call.answer.send(answer));
        }
    }
}

impl<I, O> Queue<I, O> {
    /// Calls that leave together: as many as fit, and one at least. `None` if nobody waits.
    fn next_group(&mut self, rows_max: usize) -> Option<Vec<Call<I, O>>> {
        let (mut group, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while let Some(call) = self.waiting.pop_front() {
            if call.answer.is_closed() {
                continue;
            }
            rows += call.rows.len();
            bytes += call.bytes;
            let is_full = group.len() >= self.calls_max || rows > rows_max || bytes > BYTES_MAX;
            if is_full && !group.is_empty() {
                self.waiting.push_front(call);
                break;
            }
            group.push(call);
        }
        (!group.is_empty()).then_some(group)
    }

    /// Says how many calls the next group may have.
    fn pace(&mut self, succeeded: bool) {
        self.calls_max = if succeeded { (self.calls_max * 2).min(CALLS_MAX) } else { 1 };
    }
}

/// Carries out groups until nobody waits.
struct Runner<I, O> {
    shared: Arc<Shared<I, O>>,
    /// Whether the queue counts it.
    is_counted: bool,
}

impl<I, O> Runner<I, O> {
    async fn run(mut self) {
        while let Some(group) = self.next_group() {
            self.shared.carry_out(group).await;
        }
    }

    /// The next group. Without one, whoever comes next needs a new runner.
    fn next_group(&mut self) -> Option<Vec<Call<I, O>>> {
        let mut queue = self.shared.queue();
        let group = queue.next_group(self.shared.kind.rows_max);
        if group.is_none() {
            queue.runners -= 1;
            self.is_counted = false;
        }
        group
    }
}

impl<I, O> Drop for Runner<I, O> {
    fn drop(&mut self) {
        if self.is_counted {
            // Its runtime ends, or the store has panicked. Nobody may be left for those who wait.
            let mut queue = self.shared.queue();
            queue.runners -= 1;
            queue.waiting.clear();
        }
    }
}

/// Answers of a group, to calls of so many rows.
fn split<O>(answer: Timed<Vec<O>>, counts: &[usize]) -> Vec<Result<Timed<Vec<O>>>> {
    let Timed { now, value } = answer;
    let mut rest = value.into_iter();
    let take = |count: &usize| Ok(Timed { now, value: rest.by_ref().take(*count).collect() });
    counts.iter().map(take).collect()
}

/// One error, for so many callers. Of several, none is told that its own row cannot be read: whoever
/// repeats the call learns for itself.
fn share<T>(error: StoreError, count: usize) -> Vec<Result<T>> {
    if count == 1 {
        return vec![Err(error)];
    }
    let told: Box<dyn Fn() -> StoreError> = match error {
        StoreError::TooNew { store, found, known } => {
            Box::new(move || StoreError::TooNew { store: store.clone(), found, known })
        }
        StoreError::Unsafe { store, reason } => {
            Box::new(move || StoreError::Unsafe { store: store.clone(), reason: reason.clone() })
        }
        StoreError::Unavailable { store, action, source } => {
            let source = SharedCause(source.into());
            Box::new(move || StoreError::unavailable(&store, action, source.clone()))
        }
        StoreError::Unreadable { store, source, .. } => {
            let source = SharedCause(source.into());
            Box::new(move || StoreError::unavailable(&store, "read a row", source.clone()))
        }
    };
    (0..count).map(|_| Err(told())).collect()
}

/// A cause that several callers are told.
#[derive(Clone, Debug)]
struct SharedCause(Arc<dyn Error + Send + Sync>);

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SharedCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl<I, O> fmt::Debug for Groups<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.shared.queue();
        let mut shown = f.debug_struct("Groups");
        shown.field("waiting", &queue.waiting.len()).field("runners", &queue.runners);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use futures::future::join_all;
    use futures::{FutureExt as _, poll};
    use longshore_types::Timestamp;
    use tokio::task::unconstrained;

    use super::*;
    use crate::id::TaskId;

    /// Answers each number with its double, once it may; a 13 is no row that it can take.
    struct Doubling {
        calls: Arc<Mutex<Vec<Vec<u32>>>>,
        /// A permit for each call that may end.
        may_end: Arc<Semaphore>,
        groups: Arc<Groups<u32, u32>>,
    }

    const ROWS_MAX: usize = 8;

    async fn double(rows: Vec<u32>, may_end: Arc<Semaphore>) -> Result<Timed<Vec<u32>>> {
        may_end.acquire().await.unwrap().forget();
        if rows.contains(&13) {
            let id = TaskId::parse("13").unwrap();
            return Err(StoreError::Unreadable { store: "s".into(), id, source: "bad".into() });
        }
        let value = rows.into_iter().map(|row| row * 2).collect();
        Ok(Timed { now: Timestamp::from_millis(7), value })
    }

    impl Doubling {
        /// A row weighs as many mebibytes as it has hundreds.
        fn new(at_once_max: usize) -> Self {
            let calls: Arc<Mutex<Vec<Vec<u32>>>> = Arc::default();
            let may_end = Arc::new(Semaphore::new(0));
            let (seen, permits) = (Arc::clone(&calls), Arc::clone(&may_end));
            let groups = Groups::new(Kind {
                store: "s".to_owned(),
                action: "double",
                at_once_max,
                rows_max: ROWS_MAX,
                bytes: |row| *row as usize / 100 * 1024 * 1024,
                ask: Box::new(move |rows| {
                    seen.lock().unwrap().push(rows.clone());
                    double(rows, Arc::clone(&permits)).boxed()
                }),
            });
            Self { calls, may_end, groups: Arc::new(groups) }
        }

        /// Hands calls in, one after another.
        async fn hand_in(&self, calls: &[&[u32]]) -> Vec<Called> {
            let mut handed_in = Vec::new();
            for rows in calls {
                let (groups, rows) = (Arc::clone(&self.groups), rows.to_vec());
                handed_in.push(tokio::spawn(async move { groups.call(rows).await }));
                settle().await;
            }
            handed_in
        }

        /// The calls that were made.
        fn made(&self) -> Vec<Vec<u32>> {
            self.calls.lock().unwrap().clone()
        }

        async fn let_end(&self, calls: usize) {
            self.may_end.add_permits(calls);
            settle().await;
        }
    }

    type Called = tokio::task::JoinHandle<Result<Timed<Vec<u32>>>>;

    /// Lets everything run as far as it can.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    async fn answers(called: Vec<Called>) -> Vec<Option<Vec<u32>>> {
        let answer = |answer: std::result::Result<Result<Timed<Vec<u32>>>, _>| {
            answer.unwrap().ok().map(|answer| answer.value)
        };
        join_all(called).await.into_iter().map(answer).collect()
    }

    #[tokio::test]
    async fn what_comes_while_two_are_under_way_shares_the_next_and_each_gets_its_own_answers() {
        let store = Doubling::new(2);
        let called = store.hand_in(&[&[1], &[2, 3], &[4], &[], &[5, 6]]).await;
        assert_eq!(store.made(), [vec![1], vec![2, 3]]);
        store.let_end(3).await;
        assert_eq!(store.made()[2], [4, 5, 6]);
        let expected = [vec![2], vec![4, 6], vec![8], vec![], vec![10, 12]];
        assert_eq!(answers(called).await, expected.map(Some));
    }

    #[tokio::test]
    async fn a_group_has_as_many_rows_as_it_may_or_is_one_call() {
        let store = Doubling::new(2);
        let many: Vec<u32> = (1..=9).collect();
        let called = store.hand_in(&[&[1], &[1], &[1; 5], &[1; 3], &[1], &many, &[1], &[1]]).await;
        store.let_end(8).await;
        let rows: Vec<usize> = store.made().iter().map(Vec::len).collect();
        assert_eq!(rows, [1, 1, 8, 1, 9, 2]);
        assert!(answers(called).await.iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn a_group_has_four_mebibytes_or_is_one_call() {
        let store = Doubling::new(2);
        let called = store.hand_in(&[&[1], &[1], &[200], &[200], &[100], &[900], &[1]]).await;
        store.let_end(8).await;
        assert_eq!(store.made()[2..], [vec![200, 200], vec![100], vec![900], vec![1]]);
        assert!(answers(called).await.iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn a_failed_group_fails_for_all_of_it_and_then_calls_go_alone_until_one_succeeds() {
        let store = Doubling::new(1);
        let called = store.hand_in(&[&[1], &[3], &[13], &[4]]).await;
        store.let_end(2).await;
        assert_eq!(store.made()[1..], [[3, 13, 4]]);
        assert_eq!(answers(called).await, [Some(vec![2]), None, None, None]);
        let again = [13, 3, 4, 5, 6, 7, 8, 9, 10].map(|row| [row]);
        let again = store.hand_in(&again.each_ref().map(|row| &row[..])).await;
        store.let_end(5).await;
        let alone_then_doubling = [vec![13], vec![3], vec![4, 5], vec![6, 7, 8, 9], vec![10]];
        assert_eq!(store.made()[2..], alone_then_doubling);
        let answered: Vec<bool> = answers(again).await.iter().map(Option::is_some).collect();
        assert_eq!(answered, [false, true, true, true, true, true, true, true, true]);
    }

    #[test]
    fn only_a_call_that_went_alone_is_told_that_its_row_cannot_be_read() {
        let error = || StoreError::Unreadable {
            store: "s".to_owned(),
            id: TaskId::parse("13").unwrap(),
            source: "bad".into(),
        };
        let unreadable = |told: &Result<()>| matches!(told, Err(StoreError::Unreadable { .. }));
        assert!(share(error(), 1).iter().all(unreadable));
        let told = share::<()>(error(), 2);
        assert_eq!(told.len(), 2);
        assert!(!told.iter().any(unreadable), "{told:?}");
    }

    #[tokio::test]
    async fn a_call_whose_caller_has_gone_is_not_made() {
        let store = Doubling::new(2);
        let mut called = store.hand_in(&[&[1], &[2], &[3], &[4]]).await;
        called.remove(2).abort();
        settle().await;
        store.let_end(3).await;
        assert_eq!(store.made()[2], [4]);
        assert_eq!(answers(called).await, [vec![2], vec![4], vec![8]].map(Some));
    }

    #[tokio::test]
    async fn a_caller_that_stops_polling_holds_up_nobody() {
        let store = Doubling::new(2);
        store.let_end(9).await;
        let idle: Vec<_> = repeat_n((), 3).map(|()| Box::pin(store.groups.call(vec![1]))).collect();
        for mut call in idle {
            assert!(poll!(&mut call).is_pending());
            std::mem::forget(call);
        }
        assert_eq!(store.groups.call(vec![2]).await.unwrap().value, [4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_cannot_leave_fails_in_time_and_one_under_way_is_waited_for() {
        let store = Doubling::new(2);
        let begun = Instant::now();
        let mut called = store.hand_in(&[&[1], &[2], &[3]]).await;
        let waiting = called.pop().unwrap().await.unwrap().unwrap_err();
        assert!(matches!(waiting, StoreError::Unavailable { .. }), "{waiting:?}");
        assert_eq!(begun.elapsed(), WAIT_MAX);
        store.let_end(2).await;
        assert_eq!(answers(called).await, [vec![2], vec![4]].map(Some));
        assert_eq!(store.made().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_calls_that_may_wait_callers_wait_to_hand_in() {
        let store = Doubling::new(2);
        let rows: Vec<&[u32]> = repeat_n(&[1][..], CALLS_MAX + 1).collect();
        let groups = &store.groups;
        let mut calls: Vec<_> =
            rows.iter().map(|rows| Box::pin(unconstrained(groups.call(rows.to_vec())))).collect();
        for call in &mut calls {
            assert!(poll!(call).is_pending());
        }
        assert_eq!(groups.shared.queue().waiting.len(), CALLS_MAX);
    }

    #[test]
    fn callers_on_another_runtime_are_told_when_the_one_that_carries_out_ends() {
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (store, ends) = (Doubling::new(2), runtime());
        let called = ends.block_on(store.hand_in(&[&[1], &[2]]));
        let error = runtime().block_on(async {
            let mut waits = Box::pin(store.groups.call(vec![3]));
            assert!(poll!(&mut waits).is_pending());
            drop(called);
            ends.shutdown_background();
            waits.await.unwrap_err()
        });
        assert!(error.to_string().contains("runtime has ended"), "{error}");
        // And the next call finds somebody who carries it out.
        store.may_end.add_permits(1);
        assert_eq!(runtime().block_on(store.groups.call(vec![4])).unwrap().value, [8]);
    }
}
