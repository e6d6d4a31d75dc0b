//! How tasks end, what is then owed, and what becomes of the result.

use super::*;

#[test]
fn a_task_that_has_ended_is_not_run_and_its_result_is_sent_again() {
    let record = ended_as(&running(), How::Done, NOW);
    match claim(&record, &ask(1), NOW + LEASE * 10) {
        Claimed::Ended(ending) => assert_eq!(ending.reply, Reply::completed("1")),
        other @ (Claimed::Run(_) | Claimed::Busy(_) | Claimed::Late) => panic!("{other:?}"),
    }
}

#[test]
fn what_is_kept_and_not_sent_is_due_until_both_are_marked() {
    let record = ended_as(&running(), How::Dead, NOW);
    let due_at = record.wake.unwrap();
    assert!(due_at > NOW && woken(&record, due_at) == Woken::Outbox);
    let moved = written(&record, moved_on(&record, LEASE, due_at).unwrap(), due_at);
    assert_eq!(moved.wake, Some(due_at + LEASE));
    let half = written(&moved, sent(&moved, 1, true, false).unwrap(), due_at);
    assert!(half.life.outbox.as_ref().unwrap().reply_to.is_none());
    let none = written(&half, sent(&half, 1, false, true).unwrap(), due_at);
    assert_eq!((none.life.outbox.clone(), moved_on(&none, LEASE, due_at)), (None, None));
    assert_eq!(sent(&none, 1, true, true), None, "nothing was due");
}

#[test]
fn a_late_mark_of_one_generation_leaves_what_the_next_owes() {
    let dead = ended_as(&running(), How::Dead, NOW);
    let again = claimed(&dead, 2, NOW);
    let done = ended_as(&again, How::Done, NOW);
    assert_eq!(sent(&done, 1, true, true), None);
    assert!(sent(&done, 2, true, false).is_some());
}

#[test]
fn a_result_answers_for_its_retention_and_then_a_tombstone_knows_the_id() {
    let record = all_sent(&ended_as(&running(), How::Done, NOW));
    let over = NOW + RETENTION;
    assert!(
        result(&record.life, RETENTION * 2, Timestamp::from_millis(over.as_millis() - 1)).is_some()
    );
    assert_eq!(result(&record.life, RETENTION * 2, over), None);
    assert_eq!(
        result(&record.life, RETENTION / 2, NOW + RETENTION / 2),
        None,
        "the reader's own is less"
    );
    let Woken::Expired(next) = woken(&record, over) else { panic!("a tombstone is due") };
    let tombstone = written(&record, *next, over);
    assert_eq!((&tombstone.life.ending, tombstone.wake), (&None, None));
    assert_eq!(claim(&tombstone, &ask(1), over), Claimed::Late);
    assert_eq!(taken_in(&tombstone, &Reply::completed("2"), RETENTION, over), None);
    assert!(tombstone.keep > over, "as long as a message of it can come");
}

#[test]
fn a_task_that_died_is_redriven_also_after_its_result_has_expired() {
    let record = all_sent(&ended_as(&running(), How::Dead, NOW));
    let over = NOW + RETENTION;
    let Woken::Expired(next) = woken(&record, over) else { panic!("a tombstone is due") };
    let tombstone = written(&record, *next, over);
    assert_eq!(result(&tombstone.life, RETENTION, over), None);
    let again = claimed(&tombstone, 2, over);
    assert_eq!(result(&again.life, RETENTION, over), Some(Shown::Pending));
}

#[test]
fn a_dead_letter_is_due_however_old_the_result_is() {
    let record = ended_as(&running(), How::Dead, NOW);
    let half = written(&record, sent(&record, 1, true, false).unwrap(), NOW);
    assert_eq!(woken(&half, NOW + RETENTION * 2), Woken::Outbox);
}

#[test]
fn a_record_that_owes_a_dead_letter_outlives_every_try_and_one_that_owes_a_reply_does_not() {
    let mut record = ended_as(&running(), How::Dead, NOW);
    Arc::make_mut(&mut record.asked).body = Some("8".to_owned());
    let tried_at = record.keep;
    let moved = written(&record, moved_on(&record, LEASE, tried_at).unwrap(), tried_at);
    assert!(moved.keep > moved.wake.unwrap(), "it is there for the next try");
    let no_body = TaskRecord { asked: Asked::default().into(), ..record.clone() };
    assert_eq!(moved_on(&no_body, LEASE, NOW).unwrap().keep, When::At(record.keep));
    let reply = ended_as(&running(), How::Done, NOW);
    assert_eq!(moved_on(&reply, LEASE, tried_at).unwrap().keep, When::At(reply.keep));
}

#[test]
fn a_reply_is_tried_a_few_times_however_short_its_result_answers() {
    let record = running();
    let brief = End { retention: Duration::from_secs(1), ..end(How::Done) };
    let mut record = written(&record, ended(&record, fence(&record), &brief, NOW).unwrap(), NOW);
    for _ in 0..3 {
        let now = record.wake.unwrap();
        assert_eq!(result(&record.life, RETENTION, now), None, "it is shown to nobody");
        assert_eq!(claim(&record, &ask(1), now), Claimed::Late, "and a late message runs nothing");
        assert_eq!(taken_in(&record, &Reply::completed("2"), RETENTION, now), None);
        assert_eq!(woken(&record, now), Woken::Outbox);
        record = written(&record, moved_on(&record, LEASE, now).unwrap(), now);
    }
    assert!(matches!(woken(&record, record.wake.unwrap()), Woken::Expired(_)));
}

#[test]
fn the_first_reply_stays_but_completed_replaces_failed() {
    let (one, no, two) = (Reply::completed("1"), Reply::failed("no"), Reply::completed("2"));
    let take = |record: &TaskRecord, reply: &Reply| {
        taken_in(record, reply, RETENTION, NOW).map(|next| written(record, next, NOW))
    };
    let failed = take(&pending(), &no).unwrap();
    assert_eq!(take(&failed, &Reply::failed("other")), None);
    let completed = take(&failed, &one).unwrap();
    for late in [&no, &two, &one] {
        assert_eq!(take(&completed, late), None);
    }
}

#[test]
fn a_foreign_completed_ends_a_run_and_a_foreign_failed_does_not() {
    let record = running();
    assert_eq!(taken_in(&record, &Reply::failed("no"), RETENTION, NOW), None);
    let next = taken_in(&record, &Reply::completed("13"), RETENTION, NOW).unwrap();
    let done = written(&record, next, NOW);
    assert_eq!(ended(&done, 2, &end(How::Done), NOW), Err(Refusal::Ended));
}

#[test]
fn a_cancellation_leaves_the_claim_and_is_refused_once_the_task_has_ended() {
    let record = running();
    let asked = written(&record, cancel_asked(&record, Some(RETENTION), NOW).unwrap(), NOW);
    assert_eq!((asked.until, fence(&asked)), (record.until, fence(&record)));
    assert_eq!(asked.life.cancel, Some(CancelAsked { at: NOW }));
    let done = ended_as(&asked, How::Cancelled, NOW);
    assert_eq!(cancel_asked(&done, Some(RETENTION), NOW), Err(Refusal::Ended));
}

#[test]
fn a_task_that_nobody_runs_ends_when_it_is_cancelled_unless_its_message_is_looked_for() {
    let next = retried(&running(), 2, vec!["boom".to_owned()], None, NOW).unwrap();
    for record in [pending(), written(&running(), next, NOW)] {
        let ended = written(&record, cancel_asked(&record, Some(RETENTION), NOW).unwrap(), NOW);
        let (shown, over) = (result(&ended.life, RETENTION, NOW), NOW + RETENTION);
        assert_eq!(shown, Some(Shown::Ended(Reply::failed("it was cancelled"))));
        assert_eq!((ended.life.outbox.clone(), ended.wake), (None, Some(over)));
        assert!(matches!(claim(&ended, &ask(1), NOW), Claimed::Ended(_)));
        assert!(matches!(woken(&ended, over), Woken::Expired(_)));
    }
    let waits = written(&pending(), cancel_asked(&pending(), None, NOW).unwrap(), NOW);
    assert_eq!(waits.life.standing(), Standing::Pending, "a queue wants its reply");
    let watched = TaskRecord { wake: Some(NOW + LEASE), ..pending() };
    let asked = written(&watched, cancel_asked(&watched, Some(RETENTION), NOW).unwrap(), NOW);
    assert_eq!((asked.life.standing(), asked.wake), (Standing::Pending, watched.wake));
}

#[test]
fn a_message_whose_dead_letter_is_owed_is_not_late_however_long_ago_its_task_died() {
    let dead = ended_as(&running(), How::Dead, NOW);
    let late = NOW + RETENTION * 2;
    assert!(matches!(claim(&dead, &ask(1), late), Claimed::Ended(_)));
    assert_eq!(claim(&all_sent(&dead), &ask(1), late), Claimed::Late);
}
