//! What a random case is made of: queues, all of one kind, and commands to them.
//!
//! Three sorts of histories there are. Those of standard queues and of FIFO queues have few
//! messages, and come by what goes wrong at the edges of time. Those of fair queues, which are
//! standard queues whose messages have groups, have hundreds, since a group is noisy with 30 in
//! flight and a tenth of them all.
//!
//! Commands name queues and receipts by a number that is taken modulo how many there are, so that
//! every command fits every case and a failing case can be shrunk. Time jumps mostly to just
//! before, at and just after a deadline: that is where mistakes are.

use std::time::Duration;

use longshore_model::Kind;
use longshore_types::{QueueArn, RedrivePolicy, Settings};
use proptest::prelude::*;
use proptest::sample::Index;

/// Queues of every case.
pub(crate) const QUEUE_COUNT: usize = 3;

/// Commands of a case at most.
const COMMANDS_MAX: usize = 60;

/// What happens next.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Send { queue: usize, group: Option<u64>, delay: Option<Duration>, count: usize },
    SendFifo { queue: usize, group: u64, id: PickedId },
    Receive { queue: usize, count_max: usize, visibility: Option<Duration> },
    ReceiveAttempt { queue: usize, attempt: u64, count_max: usize, visibility: Option<Duration> },
    Delete { receipt: Picked, elsewhere: bool },
    ChangeVisibility { receipt: Picked, elsewhere: bool, timeout: Duration },
    Purge { queue: usize },
    Set { queue: usize, settings: Settings },
    Pass(Passing),
}

/// A deduplication id.
#[derive(Clone, Debug)]
pub(crate) enum PickedId {
    /// One that no other message has.
    Fresh,
    /// One of a few.
    Chosen(u64),
    /// The id of a message, which it has as a deduplication id once it is dead-lettered.
    OfMessage(Index),
}

/// One of the receipts that were given so far.
#[derive(Clone, Debug)]
pub(crate) enum Picked {
    /// One of the last few.
    Recent(Index),
    /// Any, which is likely to be of a message that is gone.
    Any(Index),
}

/// How far time goes on.
#[derive(Clone, Debug)]
pub(crate) enum Passing {
    /// By so many milliseconds.
    By(Duration),
    /// To the next deadline, or to the millisecond before or after it.
    ToNextDeadline(Edge),
    /// The same with any deadline, which can be days away.
    ToDeadline { which: Index, edge: Edge },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Edge {
    Before,
    At,
    After,
}

/// A whole case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) settings: Vec<Settings>,
    pub(crate) in_flight_max: usize,
    pub(crate) commands: Vec<Command>,
}

/// The name of a queue of the case; the last is that of a queue that does not exist.
pub(crate) fn arn(queue: usize) -> QueueArn {
    QueueArn::parse(&format!("arn:aws:sqs:us-east-1:000000000000:queue-{queue}")).unwrap()
}

/// A sort of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Of standard queues without groups.
    Standard,
    /// Of standard queues with groups.
    Fair,
    /// Of FIFO queues.
    Fifo,
}

impl Sort {
    pub(crate) const ALL: [Self; 3] = [Self::Standard, Self::Fair, Self::Fifo];

    /// How it is spelled on a command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Fair => "fair",
            Self::Fifo => "fifo",
        }
    }

    /// The cases of this sort.
    pub(crate) fn cases(self) -> BoxedStrategy<Case> {
        match self {
            Self::Standard => {
                cases(Just(Kind::Standard), in_flight_maxima(), commands().boxed()).boxed()
            }
            Self::Fair => fair_cases().boxed(),
            Self::Fifo => fifo_cases().boxed(),
        }
    }
}

/// Cases of standard queues with groups. As many messages can be in flight as it takes for a
/// tenth of them to be more than 30.
fn fair_cases() -> impl Strategy<Value = Case> {
    let commands = prop_oneof![3 => fair_commands(), 2 => commands()];
    let cases = cases(Just(Kind::Standard), Just(1000), commands.boxed());
    (prop::option::weighted(0.8, beginnings()), cases).prop_map(|(beginning, mut case)| {
        case.commands.splice(0..0, beginning.into_iter().flatten());
        case
    })
}

/// A group is about to be noisy, by its own number or by its share, or has just become so.
fn beginnings() -> impl Strategy<Value = [Command; 3]> {
    let visibility = seconds(&[30, 1, 43_200]);
    (counts(&[30, 31, 29]), counts(&[0, 0, 0, 269, 270, 271]), visibility).prop_map(
        |(own, others, visibility)| {
            let delay = Some(Duration::ZERO);
            let send = |group, count| Command::Send { queue: 0, group, delay, count };
            let (count_max, visibility) = (own + others, Some(visibility));
            let receive = Command::Receive { queue: 0, count_max, visibility };
            [send(Some(0), own), send(None, others), receive]
        },
    )
}

/// Sends and receives of a few messages, and at times of as many as make a group noisy.
fn fair_commands() -> impl Strategy<Value = Command> {
    let send = (queues(), groups(), counts(&[1, 1, 1, 2, 2, 3, 30]))
        .prop_map(|(queue, group, count)| Command::Send { queue, group, delay: None, count });
    let receives = counts(&[1, 1, 1, 2, 3, 10, 30]);
    let receive =
        (queues(), receives, visibilities()).prop_map(|(queue, count_max, visibility)| {
            Command::Receive { queue, count_max, visibility }
        });
    let delayed = (queues(), groups(), delays()).prop_map(|(queue, group, delay)| Command::Send {
        queue,
        group,
        delay,
        count: 3,
    });
    prop_oneof![10 => send, 12 => receive, 1 => delayed]
}

fn groups() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 6 => (0..3_u64).prop_map(Some)]
}

fn counts(choices: &'static [usize]) -> impl Strategy<Value = usize> {
    prop::sample::select(choices)
}

/// Cases of FIFO queues.
fn fifo_cases() -> impl Strategy<Value = Case> {
    let kinds = any::<bool>().prop_map(|by_group| Kind::Fifo { by_group });
    let commands = prop_oneof![3 => fifo_commands(), 2 => commands().prop_map(without_send)];
    cases(kinds, in_flight_maxima(), commands.boxed())
}

fn in_flight_maxima() -> impl Strategy<Value = usize> {
    prop_oneof![Just(2_usize), Just(4), Just(1000)]
}

fn cases(
    kinds: impl Strategy<Value = Kind>,
    in_flight_maxima: impl Strategy<Value = usize>,
    commands: BoxedStrategy<Command>,
) -> impl Strategy<Value = Case> {
    let settings: Vec<_> = (0..QUEUE_COUNT).map(settings).collect();
    let commands = prop::collection::vec(commands, 1..=COMMANDS_MAX);
    let case = |(kind, settings, in_flight_max, commands)| Case {
        kind,
        settings,
        in_flight_max,
        commands,
    };
    (kinds, settings, in_flight_maxima, commands).prop_map(case)
}

/// What only FIFO queues are asked.
fn fifo_commands() -> impl Strategy<Value = Command> {
    let (sends_to, receives_from) = (queues(), queues());
    prop_oneof![
        10 => (sends_to, 0..3_u64, ids())
            .prop_map(|(queue, group, id)| Command::SendFifo { queue, group, id }),
        3 => (receives_from, 0..2_u64, 1..=4_usize, visibilities()).prop_map(
            |(queue, attempt, count_max, visibility)| {
                Command::ReceiveAttempt { queue, attempt, count_max, visibility }
            }
        ),
    ]
}

/// A FIFO queue takes no messages without a group.
fn without_send(command: Command) -> Command {
    if let Command::Send { queue, .. } = command {
        return Command::SendFifo { queue, group: 0, id: PickedId::Fresh };
    }
    command
}

fn ids() -> impl Strategy<Value = PickedId> {
    prop_oneof![
        6 => Just(PickedId::Fresh),
        3 => (0..3_u64).prop_map(PickedId::Chosen),
        1 => any::<Index>().prop_map(PickedId::OfMessage),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    let queue = queues;
    prop_oneof![
        14 => (queue(), delays()).prop_map(|(queue, delay)| {
            Command::Send { queue, group: None, delay, count: 1 }
        }),
        18 => (queue(), 1..=4_usize, visibilities()).prop_map(|(queue, count_max, visibility)| {
            Command::Receive { queue, count_max, visibility }
        }),
        2 => (receipts(), rarely())
            .prop_map(|(receipt, elsewhere)| Command::Delete { receipt, elsewhere }),
        3 => (receipts(), rarely(), timeouts()).prop_map(|(receipt, elsewhere, timeout)| {
            Command::ChangeVisibility { receipt, elsewhere, timeout }
        }),
        1 => queue().prop_map(|queue| Command::Purge { queue }),
        1 => queue()
            .prop_flat_map(|queue| (Just(queue), settings(queue)))
            .prop_map(|(queue, settings)| Command::Set { queue, settings }),
        10 => passings().prop_map(Command::Pass),
    ]
}

fn passings() -> impl Strategy<Value = Passing> {
    let edges = || prop_oneof![Just(Edge::Before), Just(Edge::At), Just(Edge::After)];
    prop_oneof![
        2 => (0..3_000_u64).prop_map(|time| Passing::By(Duration::from_millis(time))),
        6 => edges().prop_map(Passing::ToNextDeadline),
        1 => (any::<Index>(), edges())
            .prop_map(|(which, edge)| Passing::ToDeadline { which, edge }),
    ]
}

/// More often the first queue, so that enough happens in one of them.
fn queues() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0_usize), 3 => 0..QUEUE_COUNT]
}

fn receipts() -> impl Strategy<Value = Picked> {
    prop_oneof![
        3 => any::<Index>().prop_map(Picked::Recent),
        1 => any::<Index>().prop_map(Picked::Any),
    ]
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.1)
}

fn seconds(choices: &'static [u64]) -> impl Strategy<Value = Duration> {
    prop::sample::select(choices).prop_map(Duration::from_secs)
}

fn delays() -> impl Strategy<Value = Option<Duration>> {
    prop::option::weighted(0.3, seconds(&[0, 1, 5, 900]))
}

fn visibilities() -> impl Strategy<Value = Option<Duration>> {
    prop::option::weighted(0.5, seconds(&[0, 0, 1, 30, 43_200]))
}

fn timeouts() -> impl Strategy<Value = Duration> {
    seconds(&[0, 0, 1, 20, 43_199, 43_200])
}

fn settings(queue: usize) -> impl Strategy<Value = Settings> {
    let durations = (
        seconds(&[0, 1, 5, 30]),
        seconds(&[0, 0, 0, 2, 10]),
        seconds(&[60, 345_600, 345_600, 1_209_600, 1_209_600]),
    );
    (durations, redrive(queue)).prop_map(|((visibility_timeout, delay, retention), redrive)| {
        Settings { visibility_timeout, delay, retention, redrive, ..Settings::default() }
    })
}

/// A queue dead-letters to the next one mostly, or to any other, or to one that does not exist.
fn redrive(queue: usize) -> impl Strategy<Value = Option<RedrivePolicy>> {
    let others: Vec<usize> = (0..=QUEUE_COUNT).filter(|other| *other != queue).collect();
    let next = (queue + 1) % QUEUE_COUNT;
    let targets = prop_oneof![2 => Just(next), 1 => prop::sample::select(others)];
    let policy = (targets, 1..=3_u32).prop_map(|(target, count)| RedrivePolicy {
        target: arn(target),
        receive_count_max: count,
    });
    prop::option::weighted(0.7, policy)
}
