//! Who plays in a schedule: programs with their own clock, their own chance and their own way to queues and store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use longshore_tasks::{
    Backoff, Client, ClientOptions, Clock, MemoryStore, Replies, RetryPolicy, Store, Transport,
    Worker, WorkerError, WorkerReport, WorkerStatus,
};
use longshore_testkit::{FaultyStore, FaultyTransport, Odds, Seeded};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::book::Book;
use crate::handlers::Shop;
use crate::kept::Kept;
use crate::mortal_store::MortalStore;
use crate::mutant::Mutant;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::program::Program;
use crate::queues::{Queues, REPLIES, STRANGERS_REPLIES, task_queue};
use crate::store_layer::Layered as LayeredStore;
use crate::time::WorldClock;
use crate::transport_layer::Layered as LayeredTransport;
use crate::wrong_store::WrongStore;
use crate::wrong_transport::WrongTransport;

/// How long records are kept.
const RETENTION: Duration = Duration::from_secs(86_400);
/// The pauses between attempts.
const AGAIN: Backoff = Backoff::new(Duration::from_millis(700), Duration::from_secs(5));

/// The stage of a schedule: what all programs share.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) plan: Arc<Plan>,
    pub(crate) mutant: Mutant,
    pub(crate) clock: WorldClock,
    pub(crate) book: Book,
    pub(crate) queues: Arc<Queues>,
    pub(crate) faulty: Arc<FaultyTransport>,
    /// The store of the workers, and that of the apps.
    kept: Kept,
    apps_store: Arc<MemoryStore>,
    kills_left: Arc<AtomicU32>,
    random: Seeded,
    programs: AtomicU32,
}

/// A worker that runs.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) program: Arc<Program>,
    pub(crate) status: Arc<WorkerStatus>,
    pub(crate) observed: Arc<Observed>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) run: JoinHandle<Result<WorkerReport, WorkerError>>,
    pub(crate) store: Arc<FaultyStore>,
}

/// An app that runs: its client, and the consumer of its replies.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) program: Arc<Program>,
    pub(crate) client: Client,
    pub(crate) shutdown: CancellationToken,
    pub(crate) replies: JoinHandle<()>,
    pub(crate) store: Arc<FaultyStore>,
}

/// How a program reaches queues and store.
struct Ways {
    program: Arc<Program>,
    observed: Arc<Observed>,
    transport: Arc<dyn Transport>,
    faulty_store: Arc<FaultyStore>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<Seeded>,
    shutdown: CancellationToken,
}

impl Stage {
    pub(crate) fn new(plan: Arc<Plan>, mutant: Mutant, with_words: bool) -> Self {
        let clock = WorldClock::start();
        let book = Book::open(clock, plan.tasks.len(), with_words);
        let queues = Arc::new(Queues::new(&plan, clock, book.clone()));
        let faulty = Arc::new(FaultyTransport::new(Arc::clone(&queues) as _));
        if !plan.healthy {
            faulty.set(plan.faults.clone());
        }
        let memory = || MemoryStore::with_clock(Arc::new(clock));
        let kept = Kept::new(memory(), book.clone(), plan.store_keeps_time);
        let kills_left = Arc::new(AtomicU32::new(if plan.healthy { 0 } else { plan.kills_max }));
        let random = Seeded::new(plan.seed ^ 0x0C45_7000);
        let (apps_store, programs) = (Arc::new(memory()), AtomicU32::new(0));
        Self {
            plan,
            mutant,
            clock,
            book,
            queues,
            faulty,
            kept,
            apps_store,
            kills_left,
            random,
            programs,
        }
    }

    /// How many programs there have been.
    pub(crate) fn programs_started(&self) -> u32 {
        self.programs.load(Relaxed)
    }

    /// A new program. In calm weather nothing fails on its ways.
    fn program(&self, calm: bool, of_app: bool) -> Ways {
        let number = self.programs.fetch_add(1, Relaxed) + 1;
        let deadly_calls = if calm { 0 } else { self.plan.deadly_calls };
        let program = Program::new(
            number,
            self.book.clone(),
            deadly_calls,
            self.plan.seed,
            Arc::clone(&self.kills_left),
        );
        let skew = if calm { 0 } else { self.plan.skew(&self.random) };
        let clock: Arc<dyn Clock> = Arc::new(self.clock.skewed(skew));
        let shutdown = CancellationToken::new();
        let observed = Observed::new(
            Arc::clone(&self.faulty) as _,
            Arc::clone(&program),
            self.plan.visibility,
            self.plan.has_sound_stores(),
        );
        let own = Arc::new(LayeredTransport(Arc::clone(&observed)));
        let transport = self.wrong_transport(own, &program, &shutdown);
        let faulty_store =
            Arc::new(FaultyStore::new(self.store(&clock, of_app), self.random.below(u64::MAX)));
        faulty_store.set_odds(if calm { Odds::default() } else { self.plan.odds });
        let below = Arc::clone(&faulty_store) as _;
        let store = Arc::new(LayeredStore(MortalStore { below, program: Arc::clone(&program) }));
        let random = Arc::new(Seeded::new(self.random.below(u64::MAX)));
        Ways { program, observed, transport, faulty_store, store, clock, random, shutdown }
    }

    /// The store of workers, or of apps, as a program with that clock has it.
    fn store(&self, clock: &Arc<dyn Clock>, of_app: bool) -> Arc<dyn Store> {
        if of_app && !self.plan.shared_store {
            return Arc::clone(&self.apps_store) as _;
        }
        let kept = if self.plan.store_keeps_time {
            self.kept.clone()
        } else {
            self.kept.by_clock(Arc::clone(clock))
        };
        let kept = Arc::new(LayeredStore(kept));
        if self.mutant == Mutant::None {
            return kept;
        }
        Arc::new(LayeredStore(WrongStore::new(kept, self.mutant)))
    }

    fn wrong_transport(
        &self,
        below: Arc<dyn Transport>,
        program: &Arc<Program>,
        shutdown: &CancellationToken,
    ) -> Arc<dyn Transport> {
        if self.mutant == Mutant::None {
            return below;
        }
        Arc::new(LayeredTransport(Arc::new(WrongTransport {
            below,
            program: Arc::clone(program),
            mutant: self.mutant,
            visibility: self.plan.visibility,
            shutdown: shutdown.clone(),
            receives: AtomicU32::new(0),
        })))
    }

    /// Starts a worker.
    pub(crate) fn hand(&self, calm: bool) -> Hand {
        let ways = self.program(calm, false);
        let (plan, who) = (&*self.plan, ways.program.number);
        self.book.note(who, "starts as", "worker", 0);
        let (plan_of_all, book, mutant) = (Arc::clone(&self.plan), self.book.clone(), self.mutant);
        let handlers = Shop { plan: plan_of_all, book, who, mutant };
        let mut worker = Worker::new(ways.transport, task_queue(plan.fifo), ways.store)
            .own_thread(false)
            .name(format!("p{who}"))
            .clock(ways.clock)
            .random(ways.random)
            .concurrency(plan.concurrency)
            .wait(plan.wait)
            .grace(plan.grace)
            .retention(RETENTION)
            .reply_queue(REPLIES)
            .allow_reply_queue(STRANGERS_REPLIES)
            .retry(RetryPolicy::default().attempts(plan.attempts).backoff(AGAIN))
            .handlers(&handlers.handlers(), &());
        if let Some(priorities) = plan.priorities {
            worker = worker.priorities(priorities);
        }
        let (status, told) = (worker.status(), ways.shutdown.clone());
        let late = if self.mutant == Mutant::DrainsLate {
            Duration::from_secs(40)
        } else {
            Duration::ZERO
        };
        let stop = CancellationToken::new();
        let run = worker.run(stop.clone());
        let run = tokio::spawn(async move {
            tokio::pin!(run);
            let asked = async {
                told.cancelled().await;
                tokio::time::sleep(late).await;
                stop.cancel();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                ended = &mut run => ended,
                () = asked => unreachable!("it waits for ever"),
            }
        });
        ways.program.add_root(run.abort_handle());
        let Ways { program, observed, shutdown, faulty_store: store, .. } = ways;
        Hand { program, status, observed, shutdown, run, store }
    }

    /// Starts an app.
    pub(crate) fn desk(&self, calm: bool) -> Desk {
        let ways = self.program(calm, true);
        self.book.note(ways.program.number, "starts as", "app", 0);
        let queue = task_queue(self.plan.fifo);
        let options = ClientOptions {
            reply_queue: Some(REPLIES.to_owned()),
            priorities: self.plan.priorities.iter().map(|_| queue.to_owned()).collect(),
            clock: Arc::clone(&ways.clock),
            random: ways.random,
            ..ClientOptions::default()
        };
        let client = Client::new(Arc::clone(&ways.transport), queue, ways.store, options);
        let replies = Replies::new(ways.transport, REPLIES, client.records().clone())
            .clock(ways.clock)
            .retention(RETENTION)
            .wait(self.plan.wait)
            .run(ways.shutdown.clone());
        let book = self.book.clone();
        let replies = tokio::spawn(async move {
            if let Err(error) = replies.await {
                book.breaks(|| format!("the consumer of replies ended by itself: {error}"));
            }
        });
        ways.program.add_root(replies.abort_handle());
        let Ways { program, shutdown, faulty_store: store, .. } = ways;
        Desk { program, client, shutdown, replies, store }
    }
}
