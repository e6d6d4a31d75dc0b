//! Deleting: which receipts delete, and which are refused.

use longshore_engine::{Queue, QueueId, Receipt, Refusal};
use longshore_types::{Settings, Timestamp};

use crate::builder::{Driven, HOURS_12, T0, millis, secs};

#[test]
fn a_receipt_deletes_the_message_in_flight_and_its_body_is_released() {
    let (mut driven, receipt) = Driven::one_in_flight();
    assert_eq!(driven.delete(&receipt), Ok(true));
    assert_eq!(driven.counts(), (0, 0, 0));
    assert_eq!(driven.queue, Queue::new(QueueId::new(1), Settings::default()));
}

#[test]
fn a_second_delete_is_a_success_and_no_event() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.delete(&receipt).unwrap();
    assert_eq!(driven.delete(&receipt), Ok(false));
}

#[test]
fn a_receipt_deletes_after_its_visibility_timeout_has_ended() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.pass(secs(30));
    assert_eq!(driven.delete(&receipt), Ok(true));
    assert_eq!(driven.receive(1), []);
}

#[test]
fn a_receipt_deletes_after_its_message_was_handed_back() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.change(&receipt, secs(0)).unwrap();
    assert_eq!(driven.delete(&receipt), Ok(true));
}

#[test]
fn a_superseded_receipt_deletes() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.pass(secs(30));
    driven.receive(1);
    assert_eq!(driven.delete(&receipt), Ok(true));
}

#[test]
fn a_receipt_of_a_delivery_that_a_power_cut_took_back_deletes() {
    let (mut driven, receipt) = Driven::one_in_flight();
    let unknown = Receipt { delivery: receipt.delivery + 5, epoch: 9, ..receipt };
    assert_eq!(driven.delete(&unknown), Ok(true));
}

#[test]
fn a_receipt_of_a_message_that_a_power_cut_took_back_is_of_no_later_one_with_its_key() {
    let (mut driven, receipt) = Driven::one_in_flight();
    let sent_before = Timestamp::from_millis(T0.as_millis() - 1);
    let stale = Receipt { received_at: sent_before, ..receipt };
    let refusal = Refusal::NotAvailable { key: receipt.key };
    assert_eq!(driven.change(&stale, secs(0)), Err(refusal));
    assert_eq!(driven.delete(&stale), Ok(false));
    assert_eq!(driven.counts(), (0, 1, 0));
}

#[test]
fn a_receipt_of_another_queue_is_refused() {
    let (mut driven, receipt) = Driven::one_in_flight();
    let foreign = Receipt { queue: QueueId::new(2), ..receipt };
    let refusal =
        Refusal::ReceiptOfAnotherQueue { asked: QueueId::new(1), receipt: QueueId::new(2) };
    assert_eq!(driven.delete(&foreign), Err(refusal));
    assert_eq!(driven.change(&foreign, secs(1)), Err(refusal));
}

#[test]
fn a_receipt_is_good_for_12_hours_and_no_longer() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.pass(HOURS_12);
    assert_eq!(driven.clone().delete(&receipt), Ok(true));
    driven.pass(millis(1));
    assert_eq!(driven.delete(&receipt), Err(Refusal::ReceiptExpired { key: receipt.key }));
}

#[test]
fn an_old_receipt_of_a_message_that_is_gone_is_a_success() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.delete(&receipt).unwrap();
    driven.pass(HOURS_12 * 2);
    assert_eq!(driven.delete(&receipt), Ok(false));
}

#[test]
fn a_message_gone_by_purge_or_retention_is_deleted_with_success() {
    let (mut driven, receipt) = Driven::one_in_flight();
    let mut expired = driven.clone();
    expired.pass(driven.queue.settings().retention);
    assert_eq!(expired.delete(&receipt), Ok(false));

    driven.happens(driven.queue.purge());
    assert_eq!(driven.delete(&receipt), Ok(false));
}

#[test]
fn a_receipt_from_the_future_is_taken_for_a_fresh_one() {
    let (mut driven, receipt) = Driven::one_in_flight();
    let ahead = Receipt { received_at: T0 + HOURS_12 * 4, ..receipt };
    assert_eq!(driven.delete(&ahead), Ok(true));
}
