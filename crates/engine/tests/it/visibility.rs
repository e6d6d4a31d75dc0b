//! Changing visibility: from when on, for how long at most, and with which receipts.

use longshore_engine::{Event, Receipt, Refusal};

use crate::builder::{Driven, HOURS_12, millis, secs};

#[test]
fn visibility_is_counted_from_now_and_not_from_the_receive() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.pass(secs(20));
    let event = driven.queue.change_visibility(&receipt, secs(60), driven.now).unwrap();
    let until = driven.now + secs(60);
    assert_eq!(event, Some(Event::VisibilityChanged { key: receipt.key, until }));
}

#[test]
fn a_changed_visibility_timeout_replaces_the_old_one() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.change(&receipt, secs(60)).unwrap();
    driven.pass(millis(59_999));
    assert_eq!(driven.counts(), (0, 1, 0));
    driven.pass(millis(1));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_visibility_timeout_can_be_shortened() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.change(&receipt, secs(1)).unwrap();
    driven.pass(secs(1));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn zero_makes_the_message_available_at_once() {
    let (mut driven, receipt) = Driven::one_in_flight();
    assert_eq!(driven.change(&receipt, secs(0)), Ok(true));
    assert_eq!(driven.counts(), (1, 0, 0));
    assert_eq!(driven.receive(1).len(), 1);
}

#[test]
fn a_change_is_not_remembered_for_the_next_receive() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.change(&receipt, secs(600)).unwrap();
    driven.change(&receipt, secs(0)).unwrap();
    driven.receive(1);
    driven.pass(secs(30));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_message_that_is_available_again_stays_available() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.pass(secs(30));
    assert_eq!(driven.change(&receipt, secs(60)), Ok(false));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_superseded_receipt_is_honoured() {
    let mut driven = Driven::with_messages(1);
    let first = driven.receive_for(secs(0))[0];
    driven.receive_for(secs(3));
    assert_eq!(driven.change(&first, secs(0)), Ok(true));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_deleted_purged_or_expired_message_is_not_available_for_a_change() {
    let (driven, receipt) = Driven::one_in_flight();
    let refusal = Err(Refusal::NotAvailable { key: receipt.key });

    let mut deleted = driven.clone();
    deleted.delete(&receipt).unwrap();
    assert_eq!(deleted.change(&receipt, secs(1)), refusal);

    let mut purged = driven.clone();
    purged.happens(driven.queue.purge());
    assert_eq!(purged.change(&receipt, secs(1)), refusal);

    let mut expired = driven.clone();
    expired.pass(driven.queue.settings().retention);
    assert_eq!(expired.change(&receipt, secs(1)), refusal);
}

#[test]
fn a_message_is_in_flight_for_12_hours_since_its_receive_at_most() {
    let (mut driven, receipt) = Driven::one_in_flight();
    assert_eq!(driven.clone().change(&receipt, HOURS_12), Ok(true), "no time has passed yet");
    driven.pass(millis(1));
    let refusal = Err(Refusal::VisibilityTooLong { key: receipt.key });
    assert_eq!(driven.change(&receipt, HOURS_12), refusal);
    assert_eq!(driven.change(&receipt, millis(43_199_999)), Ok(true));
}

#[test]
fn twelve_hours_are_counted_from_the_receive_and_not_from_the_last_change() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.change(&receipt, secs(40_000)).unwrap();
    driven.pass(secs(39_000));
    let refusal = Err(Refusal::VisibilityTooLong { key: receipt.key });
    assert_eq!(driven.change(&receipt, secs(4_201)), refusal);
    assert_eq!(driven.change(&receipt, secs(4_200)), Ok(true));
}

#[test]
fn a_receipt_older_than_12_hours_changes_nothing_not_even_to_zero() {
    let (mut driven, receipt) = Driven::one_in_flight();
    driven.pass(HOURS_12 + millis(1));
    let refusal = Err(Refusal::VisibilityTooLong { key: receipt.key });
    assert_eq!(driven.change(&receipt, secs(0)), refusal);
}

#[test]
fn a_receipt_of_a_delivery_that_a_power_cut_took_back_counts_as_superseded() {
    let (mut driven, receipt) = Driven::one_in_flight();
    let unknown = Receipt { delivery: receipt.delivery + 5, epoch: 9, ..receipt };
    assert_eq!(driven.change(&unknown, secs(0)), Ok(true));
}
