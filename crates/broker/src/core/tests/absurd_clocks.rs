//! Clocks that show what no clock shows, up to the last number there is: nothing overflows, and time
//! never runs back.

use proptest::prelude::*;

use super::clocks::{NoRandom, Shows};
use super::*;
use crate::clock::Reading;
use crate::founding;

/// What a clock shows.
fn shown() -> impl Strategy<Value = u64> {
    let around = 1_790_000_000_000_u64;
    prop_oneof![
        0..2_u64,
        around..2 * around,
        u64::MAX / 2 - 2..u64::MAX / 2 + 2,
        u64::MAX - 100_000..=u64::MAX,
        Just(u64::MAX),
    ]
}

fn started(log: &SlowLog, reading: Reading) -> Core<Client> {
    let mut replay = Replay::default();
    for (index, (events, _)) in log.0.lock().unwrap().records.iter().enumerate() {
        replay.record(Lsn(index as u64 + 1), events, &mut Vec::new()).unwrap();
    }
    let mut ledger = replay.finish(Rules::default(), ClockTrust::default(), Box::new(log.clone()));
    founding::found(&mut ledger, &Shows(reading), &NoRandom).unwrap();
    let mut core = Core::new(ledger);
    core.progressed(log.sync()).into_iter().for_each(Ready::leave);
    core
}

fn ask(core: &mut Core<Client>, operation: impl Operation, reading: Reading) {
    let (client, _told) = Client::new(&Rc::default());
    core.perform(operation, &Place::default(), client, reading).ok();
}

proptest! {
    #[test]
    fn whatever_number_a_clock_shows_nothing_overflows(
        steps in prop::collection::vec((shown(), shown(), 0..4_u8), 1..30),
    ) {
        let log = SlowLog::default();
        let mut core = started(&log, Timestamp::from_millis(1).into());
        let create = CreateQueue { queue_name: "jobs".into(), ..CreateQueue::default() };
        let caller = Caller::new("http://localhost", Place::default());
        ask(&mut core, (create, caller), Timestamp::from_millis(1).into());
        for (running, wall, step) in steps {
            let of = Timestamp::from_millis;
            let reading = Reading { running: of(running), wall: of(wall) };
            let before = core.ledger().now();
            match step {
                0 => core = started(&log, reading),
                1 => ask(&mut core, Send, reading),
                2 => {
                    let (client, _told) = Client::new(&Rc::default());
                    core.receive(long_receive(), &Place::default(), client, reading);
                }
                _ => core.tick(reading),
            }
            core.progressed(log.sync()).into_iter().for_each(Ready::leave);
            core.next_due();
            core.ledger().times().state().offset_seconds();
            core.ledger().shown(before);
            prop_assert!(step == 0 || core.ledger().now() >= before);
        }
    }
}

#[test]
fn a_first_start_at_the_end_of_time_leaves_time_to_run_on() {
    let end = Timestamp::from_millis(u64::MAX);
    let mut core = started(&SlowLog::default(), end.into());
    let create = CreateQueue { queue_name: "jobs".into(), ..CreateQueue::default() };
    ask(&mut core, (create, Caller::new("http://localhost", Place::default())), end.into());
    ask(&mut core, Send, end.into());
    let queue = longshore_engine::QueueId::new(1);
    assert_eq!(core.ledger().queue(queue).unwrap().counts().available, 1, "it is kept");
}
