//! What waits for what, where order is promised.

use longshore_engine::{FifoMessage, FifoSend};
use longshore_types::MessageId;

use super::*;

const FIFO_URL: &str = "http://localhost/000000000000/jobs.fifo";

/// A send to a FIFO queue, all of one group.
struct SendFifo {
    deduplication_id: &'static str,
}

impl Operation for SendFifo {
    type Reply = ();

    fn room(&self) -> Room {
        Room::grow(1)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let queue = turn.resolve(FIFO_URL)?;
        let key = turn.new_key();
        let message = FifoMessage {
            key,
            id: MessageId::from_random([7; 16]),
            bytes: 1,
            group: "g".into(),
            deduplication_id: self.deduplication_id.into(),
        };
        let decided = turn.queue(queue)?.send_fifo(message, turn.now());
        if let FifoSend::Accepted { event, .. } = decided {
            turn.commit_send(queue, event, (key, bytes::Bytes::from_static(b"x")))?;
        }
        Ok(())
    }
}

fn fifo_world() -> World {
    World::with_created(CreateQueue {
        queue_name: "jobs.fifo".into(),
        attributes: [("FifoQueue".to_owned(), "true".to_owned())].into(),
        ..CreateQueue::default()
    })
}

fn send(deduplication_id: &'static str) -> SendFifo {
    SendFifo { deduplication_id }
}

fn receive() -> Receive {
    Receive { url: FIFO_URL, wait: Duration::ZERO }
}

#[test]
fn a_fifo_receive_is_answered_when_its_own_record_is_durable() {
    let mut world = fifo_world();
    world.ask(send("1"));
    world.sync();
    let received = world.receive(receive());
    assert_eq!(world.log.0.lock().unwrap().records.last().map(|(_, sync)| *sync), Some(true));
    world.write();
    assert!(received.borrow().is_none(), "a power cut would unlock the group");
    world.sync();
    assert_eq!(delivered(&received), Some(1));
}

#[test]
fn a_duplicate_is_answered_when_its_original_is_durable_and_appends_nothing() {
    let mut world = fifo_world();
    world.ask(send("1"));
    let last = world.log.last();
    let duplicate = world.ask(send("1"));
    assert_eq!(world.log.last(), last);
    world.write();
    assert!(duplicate.borrow().is_none(), "the original could still be lost");
    world.sync();
    assert!(matches!(*duplicate.borrow(), Some(Ok(_))));
}

#[test]
fn a_waiter_is_not_woken_by_a_message_behind_one_in_flight_but_by_the_end_of_its_lease() {
    let mut world = fifo_world();
    world.ask(send("1"));
    world.receive(receive());
    world.pass(Duration::from_secs(15));
    let waiting = world.receive(Receive { url: FIFO_URL, wait: Duration::from_secs(20) });
    world.ask(send("2"));
    world.sync();
    assert!(waiting.borrow().is_none(), "the group is locked");
    world.pass(Duration::from_secs(15));
    world.sync();
    assert_eq!(delivered(&waiting), Some(1));
}
