//! What must be true once everything has ended.
//!
//! # Invariants that are checked here
//!
//! - Nothing is lost: each task that came to its queue has ended. One whose sender was told that it was not
//!   sent never came there.
//! - Each end reaches its caller: by a reply on the queue, by the status in the app's store, and whoever
//!   waited has heard. A dead task is in the dead-letter queue.
//! - Where nothing fails, tasks run as often as they must, are replied to once, and cost what is published.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_tasks::life::Standing;
use longshore_tasks::transport::{Action, Purpose, Requests};
use longshore_tasks::{Client, Status, TaskId, Transport as _};

use crate::book::{Book, Pages, TaskPage};
use crate::cast::Stage;
use crate::chore::{BY_QUEUE, Step, id_of};
use crate::plan::{MANY_RECEIVES, Plan};

/// Requests for a task that runs once, by docs/cost.md: it is sent, received and deleted, and so is its reply.
const OF_A_TASK: f64 = 3.0;
const OF_A_REPLY: f64 = 3.0;
/// Requests for each further run: its message is handed back, and received again.
const OF_A_RETRY: f64 = 2.0;
/// Requests that a program makes once, to find its queues: by name, what they are, and their dead-letter queues'.
const OF_A_PROGRAM: f64 = 12.0;

/// The tasks that are still to be sent in calm weather: not begun, or given up as not sent.
pub(crate) fn unsettled(plan: &Plan, book: &Book, begun: &BTreeSet<usize>) -> Vec<usize> {
    let pages = book.pages();
    let tasks = 0..plan.tasks.len();
    tasks.filter(|task| !begun.contains(task) && pages.tasks[*task].enqueued.is_none()).collect()
}

/// Whether nothing more comes of a task. One that the queue took from its workers ends all the same, unless nobody
/// could know of it.
fn is_settled(plan: &Plan, page: &TaskPage) -> bool {
    page.enqueued.is_none() || page.ended.is_some() || page.worn_out && may_wear_out(plan, page)
}

/// Whether the queue may take a task from its workers. One that was redriven is then where it was before, as dead as it
/// was.
fn may_wear_out(plan: &Plan, page: &TaskPage) -> bool {
    plan.receives.can_run_out || plan.fifo && page.generation > 1
}

/// Whether nothing is left to do.
pub(crate) fn all_has_ended(book: &Book, stage: &Stage) -> bool {
    let pages = book.pages();
    let is_sending = |page: &TaskPage| page.sending.is_some_and(|who| !pages.killed.contains(&who));
    let settled = pages.tasks.iter().all(|page| is_settled(&stage.plan, page) && !is_sending(page));
    drop(pages);
    settled && stage.queues.left() == (0, 0) && unreplied(&stage.plan, &book.pages()).is_none()
}

/// A task that has ended, and whose reply has not been sent, or dead letter.
fn unreplied(plan: &Plan, pages: &Pages) -> Option<usize> {
    (0..pages.tasks.len()).find(|task| {
        let page = &pages.tasks[*task];
        let Some(ended) = &page.ended else { return false };
        let says_so = |reply: &String| *reply == ended.reply;
        let by_queue = plan.tasks[*task].is_replied_by_queue();
        let reply = by_queue && !page.replies.iter().any(says_so);
        reply || ended.dead && page.dead_letters == 0
    })
}

/// What keeps a schedule from its end.
pub(crate) fn what_has_not(book: &Book, stage: &Stage) -> String {
    let pages = book.pages();
    if let Some(task) = pages.tasks.iter().position(|page| !is_settled(&stage.plan, page)) {
        return format!("task {task} has not ended: {:?}", pages.tasks[task]);
    }
    if let Some(task) = unreplied(&stage.plan, &pages) {
        return format!("the end of task {task} has not been sent: {:?}", pages.tasks[task]);
    }
    drop(pages);
    let (tasks, replies) = stage.queues.left();
    format!("{tasks} messages are on the queues of tasks, and {replies} on that of replies")
}

/// Where nothing fails, a worker that has stopped holds nothing.
pub(crate) fn check_drained(plan: &Plan, book: &Book, who: u32) {
    if !plan.healthy {
        return;
    }
    let now = book.now();
    let mut pages = book.pages();
    let held =
        pages.promises.values().filter(|(until, holder)| *holder == who && *until > now).count();
    let stays = pages.tasks.iter().position(|page| {
        page.ended.is_some() && page.messages > 0 && page.running.is_empty() && held > 0
    });
    if held > 0 {
        pages.break_at(now, || {
            format!("p{who} has stopped, and holds {held} messages, as of task {stays:?}")
        });
    }
}

/// Everything has ended: was it right?
pub(crate) async fn check(plan: &Plan, book: &Book, client: &Client, stage: &Stage) {
    for task in 0..plan.tasks.len() {
        check_task(plan, book, task);
        check_status(plan, book, client, task).await;
    }
    sum_up(book, stage);
    if plan.healthy {
        check_requests(plan, book, stage);
    }
}

fn check_task(plan: &Plan, book: &Book, task: usize) {
    let now = book.now();
    let mut pages = book.pages();
    let page = &pages.tasks[task];
    let expected_runs = runs_of(plan, task);
    let exact = plan.healthy && !page.worn_out;
    // Where each program goes by a clock of its own, what one of them owes is due at once to another.
    // And a task that is sent anew, where receives are few, has messages that come after its end.
    let owed_once = (plan.store_keeps_time || !plan.skewed) && plan.receives.max >= MANY_RECEIVES;
    let replies = usize::from(plan.tasks[task].is_replied_by_queue()) * page.generation as usize;
    let asked_to_end = plan.tasks[task].cancel_at.is_some();
    let in_vain = page.worn_out && page.ended.is_none();
    // Who sends again what was cancelled before it was on the queue hears that it is known, and has ended.
    let wrong = if page.accepted && page.enqueued.is_none() && page.ended.is_none() {
        Some("its sender was told that it is on the queue, and it never was".to_owned())
    } else if in_vain && !may_wear_out(plan, page) {
        Some("the queue dead-lettered it without a reply".to_owned())
    } else if page.running.iter().any(|who| !pages.killed.contains(who)) {
        Some(format!("it runs on after everything has stopped: {:?}", page.running))
    } else if plan.healthy && page.enqueued.is_none() {
        Some("nothing fails, and it was not sent".to_owned())
    } else if exact && owed_once && page.replies.len() != replies {
        Some(format!("nothing fails, and it was replied to {} times", page.replies.len()))
    } else if exact && page.generation == 1 && !asked_to_end && !ended_as_planned(plan, task, page)
    {
        Some("nothing fails, and it did not end as its handler said".to_owned())
    } else if exact
        && page.generation == 1
        && !asked_to_end
        && expected_runs.is_some_and(|expected| expected != page.runs)
    {
        Some(format!("nothing fails, and it ran {} times instead of {expected_runs:?}", page.runs))
    } else if exact && plan.tasks[task].awaited && page.answered == 0 {
        Some("whoever waited for it has not heard".to_owned())
    } else {
        None
    };
    if let Some(wrong) = wrong {
        let page = format!("{page:?}");
        pages.break_at(now, || format!("task {task}: {wrong}; {page}"));
    }
}

/// Whether a task ended as its script says, where nothing fails; if a script can say that.
fn ended_as_planned(plan: &Plan, task: usize, page: &TaskPage) -> bool {
    let (Some(runs), Some(ended)) = (runs_of(plan, task), &page.ended) else { return true };
    let script = &plan.tasks[task].script;
    let last = script[usize::try_from(runs).unwrap_or(usize::MAX).min(script.len()) - 1];
    let completed = ended.standing == Standing::Completed;
    match last {
        Step::Done(_) => completed,
        Step::Discard => !completed && !ended.dead,
        Step::Dead | Step::Retry(_) | Step::Panic => ended.dead,
        Step::Snooze(_) | Step::Hang | Step::Stall(_) => true,
    }
}

/// How often a task must run where nothing fails: until its script ends it, or its attempts are used up. A drain
/// can hand a run back, which is then made again.
fn runs_of(plan: &Plan, task: usize) -> Option<u32> {
    if plan.moments > 0 || !has_receives_to_spare(plan, task) {
        return None;
    }
    let (mut runs, mut attempts) = (0, 0);
    for step in &plan.tasks[task].script {
        runs += 1;
        attempts += u32::from(!matches!(step, Step::Snooze(_)));
        let retries = matches!(step, Step::Retry(_) | Step::Panic);
        if retries && attempts >= plan.attempts {
            return Some(runs);
        }
    }
    Some(runs)
}

/// Whether a task's receives are enough for all its attempts. Those of a FIFO queue, which sends nothing anew, are used
/// up by a snooze too, and by whatever of its group is to be run again before it: then it may be dead before.
fn has_receives_to_spare(plan: &Plan, task: usize) -> bool {
    let asked = &plan.tasks[task];
    let is_alone = plan.tasks.iter().filter(|other| other.group == asked.group).count() == 1;
    let snoozes = asked.script.iter().any(|step| matches!(step, Step::Snooze(_)));
    !plan.fifo || plan.receives.max >= MANY_RECEIVES || is_alone && !snoozes
}

/// What the app's own status says is what the worker kept.
async fn check_status(plan: &Plan, book: &Book, client: &Client, task: usize) {
    let asked = &plan.tasks[task];
    let is_known = plan.shared_store || asked.reply == BY_QUEUE && asked.stranger.is_none();
    let ended = book.pages().tasks[task].ended.clone();
    let Some(ended) = ended.filter(|_| is_known) else { return };
    let of_stranger = book.id_of_stranger(task);
    let id = of_stranger.map_or_else(|| id_of(task), |id| TaskId::parse(&id).expect("it is an id"));
    let status = client.status(&id).await;
    let shown = match &status {
        Ok(Some(Status::Completed { body } | Status::Failed { body })) => Some(body),
        _ => None,
    };
    // A reply does not say whether its task was redriven meanwhile: the first FAILED stays in a store of the app's own.
    let is_earlier = |shown: &String| book.pages().tasks[task].may_say(shown);
    let failed_before = !plan.shared_store && ended.standing == Standing::Failed;
    if shown != Some(&ended.reply) && !(failed_before && shown.is_some_and(is_earlier)) {
        book.breaks(|| format!("task {task} ended as {ended:?}, and its app shows {status:?}"));
    }
}

fn sum_up(book: &Book, stage: &Stage) {
    let faults: u64 = stage.faulty.counts().values().sum();
    let mut pages = book.pages();
    let count = |is: fn(&TaskPage) -> bool| {
        u64::try_from(pages.tasks.iter().filter(|page| is(page)).count()).unwrap_or(u64::MAX)
    };
    let completed = |page: &TaskPage| {
        page.ended.as_ref().is_some_and(|ended| ended.standing == Standing::Completed)
    };
    let tasks = count(|page| page.enqueued.is_some());
    let (ended, worn_out) = (count(|page| page.ended.is_some()), count(|page| page.worn_out));
    let completed = count(completed);
    let seen = &mut pages.seen;
    (seen.schedules, seen.tasks, seen.worn_out, seen.faults) = (1, tasks, worn_out, faults);
    (seen.completed, seen.failed) = (completed, ended - completed);
}

/// Requests within what docs/cost.md says.
fn check_requests(plan: &Plan, book: &Book, stage: &Stage) {
    let meter = stage.queues.meter().expect("these queues count");
    let spent = meter.snapshot();
    let pages = book.pages();
    let mut bound = bound(plan, &pages, book.now(), stage.programs_started());
    // What a receive under way still brings of a paused queue is handed back.
    bound.tasks += as_f64(pages.seen.pauses) * OF_A_RETRY * as_f64(10);
    drop(pages);
    if plan.asides.per_key.is_some() {
        // Whatever finds no place comes again, and is sent anew before its receives are used up.
        bound.tasks +=
            OF_A_RETRY * spent.of(Purpose::HandBack) + OF_A_TASK * spent.of(Purpose::Resend);
    }
    let looked_up: u64 = [Action::GetQueueUrl, Action::GetQueueAttributes]
        .into_iter()
        .map(|action| meter.total(action))
        .sum();
    let idle = spent.of(Purpose::EmptyReceive);
    let of_tasks = spent.total() - idle - as_f64(looked_up) - spent.of(Purpose::Renew);
    for (what, found, most) in [
        ("requests for tasks", of_tasks, bound.tasks),
        ("renewals", spent.of(Purpose::Renew), bound.renewals),
        ("empty receives", idle, bound.idle),
        ("look-ups of queues", as_f64(looked_up), bound.look_ups),
    ] {
        if found > most + 1e-6 {
            book.breaks(|| {
                format!("{found} {what}, and {most} at most are published:\n{}", told(&spent))
            });
        }
    }
}

/// How many requests there may be.
struct Bound {
    tasks: f64,
    renewals: f64,
    idle: f64,
    look_ups: f64,
}

fn bound(plan: &Plan, pages: &Pages, lasted: Duration, programs: u32) -> Bound {
    let mut bound = Bound {
        tasks: 0.0,
        renewals: 0.0,
        idle: 0.0,
        look_ups: OF_A_PROGRAM * f64::from(programs),
    };
    // Where the end of the worker comes between, a message is handed back and received once more.
    let drains = as_f64(pages.seen.drains) * OF_A_RETRY * as_f64(10);
    for (page, asked) in pages.tasks.iter().zip(&plan.tasks) {
        let times = f64::from(page.generation);
        let by_queue = if asked.is_replied_by_queue() { OF_A_REPLY * times } else { 0.0 };
        let dead = f64::from(page.dead_letters);
        let again = OF_A_RETRY * f64::from(page.runs.saturating_sub(1));
        bound.tasks += OF_A_TASK * times + by_queue + dead + again;
    }
    bound.tasks += drains;
    if plan.fifo {
        // What comes behind a task that is to be run again is handed back, and received again, with it.
        bound.tasks +=
            OF_A_RETRY * 10.0 * pages.tasks.iter().map(|page| f64::from(page.runs)).sum::<f64>();
    }
    let tasks = as_f64(u64::try_from(plan.tasks.len()).unwrap_or(u64::MAX));
    bound.renewals = tasks * (lasted.as_secs_f64() / (plan.visibility.as_secs_f64() / 2.0) + 1.0);
    let levels = if plan.priorities.is_some() { 3.0 } else { 1.0 };
    // A worker with fewer places than levels asks each for a second only.
    let wait = if levels > 1.0 { 1.0 } else { plan.wait.as_secs_f64() };
    let polls = lasted.as_secs_f64() / wait + 2.0;
    bound.idle = f64::from(programs) * levels * polls;
    bound
}

#[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

fn told(spent: &Requests) -> String {
    format!("{spent}")
}
