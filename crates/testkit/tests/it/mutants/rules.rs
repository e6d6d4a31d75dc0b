//! Rules and habits that are wrong in known ways, each of which some task's life shows.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::MemoryStore;
use longshore_tasks::life::{
    self, Ask, Claimed, End, How, Next, Phase, Refusal, TaskRecord, Woken,
};
use longshore_tasks::reply::Reply;
use longshore_testkit::ManualClock;
use longshore_testkit::lives::{Lives, Passage, Rules};
use longshore_types::Timestamp;

fn lives() -> Lives {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>));
    Lives::new(store, Passage::Moved(clock))
}

/// Runs lives until they break.
#[track_caller]
fn check_noticed(rules: impl Rules + 'static, why: &str) {
    check_noticed_in(lives(), rules, why);
}

#[track_caller]
fn check_noticed_in(lives: Lives, rules: impl Rules + 'static, why: &str) {
    let lives = lives.rules(Arc::new(rules));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let broken = runtime.block_on(lives.histories(0, 3_000, 150));
    let broken = broken.expect_err("a wrong rule is noticed").to_string();
    assert!(broken.contains(why), "noticed for another reason: {broken}");
}

/// As the holder of whatever claim there is.
fn whoever_holds(record: &TaskRecord, fence: u64) -> u64 {
    record.claim().map_or(fence, |claim| claim.fence)
}

#[test]
fn an_outbox_that_is_marked_as_sent_without_sending() {
    #[derive(Debug)]
    struct Forgetful;
    impl Rules for Forgetful {
        fn sends(&self) -> bool {
            false
        }
    }
    check_noticed(Forgetful, "is marked as sent, and was not");
}

#[test]
fn a_mark_of_sent_that_minds_no_generation() {
    #[derive(Debug)]
    struct AnyEnd;
    impl Rules for AnyEnd {
        fn is_same_end(&self, _: &TaskRecord, _: u32) -> bool {
            true
        }

        fn sent(&self, record: &TaskRecord, _: u32, reply: bool, letter: bool) -> Option<Next> {
            life::sent(record, record.life.generation, reply, letter)
        }
    }
    check_noticed(AnyEnd, "is marked as sent, and was not");
}

#[test]
fn an_end_without_a_look_at_the_fence() {
    #[derive(Debug)]
    struct NoFence;
    impl Rules for NoFence {
        fn ended(
            &self,
            record: &TaskRecord,
            fence: u64,
            end: &End,
            now: Timestamp,
        ) -> Result<Next, Refusal> {
            life::ended(record, whoever_holds(record, fence), end, now)
        }
    }
    check_noticed(NoFence, "the rules say true to End");
}

#[test]
fn an_extension_without_a_look_at_the_fence() {
    #[derive(Debug)]
    struct NoFence;
    impl Rules for NoFence {
        fn extended(
            &self,
            record: &TaskRecord,
            fence: u64,
            lease: Duration,
        ) -> Result<Next, Refusal> {
            life::extended(record, whoever_holds(record, fence), lease)
        }
    }
    check_noticed(NoFence, "the rules say true to Extend");
}

#[test]
fn a_claim_that_asks_for_nobody_elses() {
    #[derive(Debug)]
    struct Greedy;
    impl Rules for Greedy {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            life::claim(record, &Ask { unchanged: true, ..ask.clone() }, now)
        }
    }
    check_noticed(Greedy, "the rules say true to Claim");
}

#[test]
fn a_takeover_that_trusts_the_time_of_a_foreign_clock() {
    #[derive(Debug)]
    struct Trusting;
    impl Rules for Trusting {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            life::claim(record, &Ask { times_are_the_stores: true, ..ask.clone() }, now)
        }
    }
    let off_by = |skew| {
        let clock = Arc::new(ManualClock::new());
        let memory = MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>);
        let handle = Arc::new(memory.by_clock(Arc::clone(&clock) as Arc<_>)) as Arc<_>;
        Lives::new(Arc::new(memory), Passage::Moved(clock)).by_foreign_clocks(vec![handle], skew)
    };
    check_noticed_in(off_by(Duration::ZERO), Trusting, "the rules say true to Claim");
    check_noticed_in(off_by(Duration::from_secs(1)), Trusting, "somebody else runs it");
}

#[test]
fn a_redrive_that_keeps_the_attempts() {
    #[derive(Debug)]
    struct Tired;
    impl Rules for Tired {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            let mut claimed = life::claim(record, ask, now);
            if let Claimed::Run(next) = &mut claimed {
                Arc::make_mut(&mut next.life).attempts_made = record.life.attempts_made + 1;
            }
            claimed
        }
    }
    check_noticed(Tired, "its attempts is not as it must be");
}

#[test]
fn a_redrive_that_runs_nothing() {
    #[derive(Debug)]
    struct Final;
    impl Rules for Final {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            match record.life.phase {
                Phase::Ended => Claimed::Late,
                _ => life::claim(record, ask, now),
            }
        }
    }
    check_noticed(Final, "the rules say false to Claim");
}

#[test]
fn a_tombstone_that_forgets_that_its_task_died() {
    #[derive(Debug)]
    struct Blank;
    impl Rules for Blank {
        fn woken(&self, record: &TaskRecord, now: Timestamp) -> Woken {
            let mut woken = life::woken(record, now);
            if let Woken::Expired(next) = &mut woken {
                Arc::make_mut(&mut next.life).ending = None;
            }
            woken
        }
    }
    check_noticed(Blank, "its died is not as it must be");
}

#[test]
fn a_late_message_that_runs_a_task_again() {
    #[derive(Debug)]
    struct Eager;
    impl Rules for Eager {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            let generation = ask.generation.max(record.life.generation);
            let mut record = record.clone();
            if record.life.phase == Phase::Expired {
                Arc::make_mut(&mut record.life).phase = Phase::Waiting;
            }
            life::claim(&record, &Ask { generation, ..ask.clone() }, now)
        }
    }
    check_noticed(Eager, "the rules say true to Claim");
}

#[test]
fn a_release_that_counts_as_an_attempt() {
    #[derive(Debug)]
    struct Strict;
    impl Rules for Strict {
        fn released(
            &self,
            record: &TaskRecord,
            fence: u64,
            watch: Option<Duration>,
            now: Timestamp,
        ) -> Result<Next, Refusal> {
            life::retried(record, fence, Vec::new(), watch, now)
        }
    }
    check_noticed(Strict, "its attempts is not as it must be");
}

#[test]
fn an_end_that_nobody_looks_at_again() {
    #[derive(Debug)]
    struct Asleep;
    impl Rules for Asleep {
        fn ended(
            &self,
            record: &TaskRecord,
            fence: u64,
            end: &End,
            now: Timestamp,
        ) -> Result<Next, Refusal> {
            let next = life::ended(record, fence, end, now)?;
            Ok(Next { wake: None, ..next })
        }
    }
    check_noticed(Asleep, "its time to wake is not as it must be");
}

#[test]
fn a_reply_that_replaces_a_result() {
    #[derive(Debug)]
    struct Last;
    impl Rules for Last {
        fn taken_in(
            &self,
            record: &TaskRecord,
            reply: &Reply,
            retention: Duration,
            now: Timestamp,
        ) -> Option<Next> {
            let mut record = record.clone();
            if record.life.phase == Phase::Ended {
                let life = Arc::make_mut(&mut record.life);
                (life.phase, life.ending) = (Phase::Waiting, None);
            }
            life::taken_in(&record, reply, retention, now)
        }
    }
    check_noticed(Last, "the rules say true to TakeIn");
}

#[test]
fn a_failure_that_ends_a_run_of_somebody_else() {
    #[derive(Debug)]
    struct Hasty;
    impl Rules for Hasty {
        fn taken_in(
            &self,
            record: &TaskRecord,
            reply: &Reply,
            retention: Duration,
            now: Timestamp,
        ) -> Option<Next> {
            let mut record = record.clone();
            if matches!(record.life.phase, Phase::Running(_)) {
                let life = Arc::make_mut(&mut record.life);
                (life.phase, life.ending) = (Phase::Waiting, None);
            }
            life::taken_in(&record, reply, retention, now)
        }
    }
    check_noticed(Hasty, "the rules say true to TakeIn");
}

#[test]
fn an_app_that_hides_a_reply_and_looks_no_more() {
    #[derive(Debug)]
    struct Blind;
    impl Rules for Blind {
        fn looks_again(&self) -> bool {
            false
        }
    }
    check_noticed(Blind, "was hidden, and never came to its task");
}

#[test]
fn a_discarded_task_that_counts_as_dead() {
    #[derive(Debug)]
    struct AllDead;
    impl Rules for AllDead {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            let mut record = record.clone();
            if let Some(ending) = &mut Arc::make_mut(&mut record.life).ending {
                ending.how = How::Dead;
            }
            let generation = record.life.generation + 1;
            match record.life.phase {
                Phase::Ended => life::claim(&record, &Ask { generation, ..ask.clone() }, now),
                _ => life::claim(&record, ask, now),
            }
        }
    }
    check_noticed(AllDead, "the rules say true to Claim");
}

#[test]
fn a_claim_near_its_messages_end_that_nobody_looks_for() {
    #[derive(Debug)]
    struct Trusting;
    impl Rules for Trusting {
        fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
            life::claim(record, &Ask { watch: None, ..ask.clone() }, now)
        }
    }
    check_noticed(Trusting, "its time to wake is not as it must be");
}

#[test]
fn a_stranded_task_that_is_marked_as_sent_anew_without_sending() {
    #[derive(Debug)]
    struct Forgetful;
    impl Rules for Forgetful {
        fn sends_anew(&self) -> bool {
            false
        }
    }
    check_noticed(Forgetful, "it was sent anew, and is not there");
}

#[test]
fn a_watch_that_is_over_at_the_first_retry() {
    #[derive(Debug)]
    struct Hopeful;
    impl Rules for Hopeful {
        fn retried(
            &self,
            record: &TaskRecord,
            fence: u64,
            _: Option<Duration>,
            now: Timestamp,
        ) -> Result<Next, Refusal> {
            life::retried(record, fence, Vec::new(), None, now)
        }
    }
    check_noticed(Hopeful, "its time to wake is not as it must be");
}

#[test]
fn a_cancellation_that_takes_a_task_from_whoever_runs_it() {
    #[derive(Debug)]
    struct Brutal;
    impl Rules for Brutal {
        fn cancel_asked(
            &self,
            record: &TaskRecord,
            retention: Duration,
            now: Timestamp,
        ) -> Result<Next, Refusal> {
            let mut unheld = record.clone();
            if let Phase::Running(_) = record.life.phase {
                let life = life::Life { phase: Phase::Waiting, ..(*record.life).clone() };
                (unheld.life, unheld.until, unheld.wake) = (Arc::new(life), None, None);
            }
            life::cancel_asked(&unheld, Some(retention), now)
        }
    }
    check_noticed(Brutal, "its stand is not as it must be");
}

#[test]
fn a_cancellation_that_only_notes_the_wish_though_nobody_runs_the_task() {
    #[derive(Debug)]
    struct Slow;
    impl Rules for Slow {
        fn cancel_asked(
            &self,
            record: &TaskRecord,
            retention: Duration,
            now: Timestamp,
        ) -> Result<Next, Refusal> {
            let mut watched = record.clone();
            watched.wake = watched.wake.or(Some(now));
            let next = life::cancel_asked(&watched, Some(retention), now)?;
            Ok(Next { wake: record.wake.map(life::When::At), ..next })
        }
    }
    check_noticed(Slow, "its stand is not as it must be");
}
