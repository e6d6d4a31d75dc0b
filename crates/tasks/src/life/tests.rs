//! The rules, on plain values: no store, no clock, no queue.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::Timestamp;

use super::*;
use crate::id::TaskId;
use crate::reply::Reply;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(3600);

/// What a store makes of a change at `now`.
fn written(before: &TaskRecord, next: Next, now: Timestamp) -> TaskRecord {
    let at = |when: When| when.at(now);
    TaskRecord {
        version: before.version + 1,
        asked: next.asked.unwrap_or_else(|| Arc::clone(&before.asked)),
        life: next.life,
        until: next.until.map(at),
        wake: next.wake.map(at),
        keep: at(next.keep),
        ..before.clone()
    }
}

fn pending() -> TaskRecord {
    TaskRecord::assumed(TaskId::parse("t").unwrap(), Asked::default())
}

fn ask(generation: u32) -> Ask {
    Ask {
        generation,
        worker: "w".to_owned(),
        token: 7,
        lease: LEASE,
        unchanged: false,
        times_are_the_stores: true,
        watch: None,
    }
}

fn claimed(record: &TaskRecord, generation: u32, now: Timestamp) -> TaskRecord {
    match claim(record, &ask(generation), now) {
        Claimed::Run(next) => written(record, *next, now),
        other @ (Claimed::Busy(_) | Claimed::Ended(_) | Claimed::Late) => {
            panic!("{other:?} instead of a claim")
        }
    }
}

fn running() -> TaskRecord {
    claimed(&pending(), 1, NOW)
}

fn fence(record: &TaskRecord) -> u64 {
    record.claim().unwrap().fence
}

fn end(how: How) -> End {
    let reply = if how == How::Done { Reply::completed("1") } else { Reply::failed("no") };
    let dead_letter = (how == How::Dead).then(|| DeadLetterDue {
        queue: Some("http://q/1/dead".to_owned()),
        reason: "no".to_owned(),
    });
    let outbox = Outbox { reply_to: Some("replies".to_owned()), dead_letter, tries: 0 };
    let messages = Duration::from_secs(4 * 86_400);
    End { reply, how, error: Vec::new(), outbox, retention: RETENTION, messages }
}

fn ended_as(record: &TaskRecord, how: How, now: Timestamp) -> TaskRecord {
    written(record, ended(record, fence(record), &end(how), now).unwrap(), now)
}

fn all_sent(record: &TaskRecord) -> TaskRecord {
    written(record, sent(record, record.life.generation, true, true).unwrap(), NOW)
}

#[test]
fn a_first_claim_is_decided_without_the_record_and_its_fence_is_its_version() {
    let record = running();
    assert_eq!((record.version, fence(&record), record.life.attempts_made), (2, 2, 1));
    assert_eq!(record.until, Some(NOW + LEASE));
}

#[test]
fn while_a_claim_lasts_another_worker_waits_and_then_takes_over() {
    let record = running();
    assert_eq!(claim(&record, &ask(1), NOW + LEASE / 2), Claimed::Busy(LEASE / 2));
    let next = claimed(&record, 1, NOW + LEASE);
    assert!(fence(&next) > fence(&record));
    assert_eq!(next.life.attempts_made, 2);
    let cut_off = &next.life.attempts[0];
    assert_eq!(cut_off.ended_at, Some(NOW + LEASE));
    assert!(cut_off.error[0].contains("cut off"));
}

#[test]
fn l4_however_wrong_a_clock_is_a_wait_is_no_longer_than_the_claim_was_taken_for() {
    let an_hour_behind = Timestamp::from_millis(NOW.as_millis() - 3_600_000);
    assert_eq!(claim(&running(), &ask(1), an_hour_behind), Claimed::Busy(LEASE));
}

#[test]
fn a_claim_whose_version_stayed_for_a_whole_lease_is_over_whatever_the_clock_says() {
    let unchanged = Ask { unchanged: true, ..ask(1) };
    assert!(matches!(claim(&running(), &unchanged, NOW), Claimed::Run(_)));
}

#[test]
fn only_the_holder_of_the_fence_extends_ends_retries_or_releases() {
    let old = running();
    let record = claimed(&old, 1, NOW + LEASE);
    let (stale, now) = (fence(&old), NOW + LEASE);
    assert_eq!(extended(&record, stale, LEASE), Err(Refusal::Overtaken));
    assert_eq!(ended(&record, stale, &end(How::Done), now), Err(Refusal::Overtaken));
    assert_eq!(retried(&record, stale, Vec::new(), None, now), Err(Refusal::Overtaken));
    assert_eq!(released(&record, stale, false, None, now), Err(Refusal::Overtaken));
    assert!(extended(&record, fence(&record), LEASE).is_ok());
}

#[test]
fn a_released_run_counts_no_attempt_and_a_retried_one_does() {
    let record = running();
    let back = written(&record, released(&record, fence(&record), false, None, NOW).unwrap(), NOW);
    assert_eq!((back.life.attempts_made, back.life.attempts.len()), (0, 0));
    let error = vec!["no".to_owned()];
    let again = retried(&record, fence(&record), error.clone(), None, NOW).unwrap();
    assert_eq!((again.life.attempts_made, &again.life.attempts[0].error), (1, &error));
    assert_eq!(claimed(&written(&record, again, NOW), 1, NOW).life.attempts_made, 2);
}

#[test]
fn a_reason_is_the_latest_error_with_its_causes_until_the_task_is_done() {
    let reason = |record: &TaskRecord| record.reason();
    let record = running();
    assert_eq!(reason(&record), None);
    let error = vec!["cannot save".to_owned(), "disk".to_owned()];
    let waiting = retried(&record, fence(&record), error.clone(), None, NOW).unwrap();
    let waiting = written(&record, waiting, NOW);
    assert_eq!(reason(&waiting).as_deref(), Some("cannot save: disk"));
    let again = claimed(&waiting, 1, NOW);
    assert_eq!(reason(&again).as_deref(), Some("cannot save: disk"));

    assert_eq!(reason(&ended_as(&again, How::Done, NOW)), None);
    let cancelled = End { error: vec!["cancelled".to_owned()], ..end(How::Cancelled) };
    let cancelled = ended(&again, fence(&again), &cancelled, NOW).unwrap();
    assert_eq!(reason(&written(&again, cancelled, NOW)).as_deref(), Some("cancelled"));
    let dead = ended(&again, fence(&again), &End { error, ..end(How::Dead) }, NOW).unwrap();
    let dead = written(&again, dead, NOW);
    assert_eq!(reason(&dead).as_deref(), Some("cannot save: disk"));
    let redriven = claimed(&dead, 2, NOW);
    assert_eq!(reason(&redriven).as_deref(), Some("cannot save: disk"));
    assert_eq!(reason(&ended_as(&redriven, How::Done, NOW)), None);
}

#[test]
fn where_only_a_reply_came_its_message_is_the_reason() {
    let record = running();
    let error = vec!["disk".to_owned()];
    let waiting =
        written(&record, retried(&record, fence(&record), error, None, NOW).unwrap(), NOW);
    for (body, reason) in [(r#"{"message":"no","code":7}"#, "no"), ("no", "no"), ("{}", "{}")] {
        let reply = Reply { body: body.to_owned(), ..Reply::failed("") };
        let ended = written(&waiting, taken_in(&waiting, &reply, RETENTION, NOW).unwrap(), NOW);
        assert_eq!(ended.reason().as_deref(), Some(reason));
    }
}

#[test]
fn how_long_nobody_knew_a_task_is_counted_until_somebody_ran_it() {
    let mut record = running();
    for times in 1..=3 {
        let now = NOW + LEASE * times;
        record = written(&record, released(&record, fence(&record), true, None, now).unwrap(), now);
        assert_eq!(record.life.unknown, Some(Unknown { since: NOW + LEASE, times }));
        record = claimed(&record, 1, now);
    }
    let ran = retried(&record, fence(&record), Vec::new(), None, NOW).unwrap();
    assert_eq!(ran.life.unknown, None);
}

#[test]
fn a_task_that_has_ended_is_not_run_and_its_result_is_sent_again() {
    let record = ended_as(&running(), How::Done, NOW);
    match claim(&record, &ask(1), NOW + LEASE * 10) {
        Claimed::Ended(ending) => assert_eq!(ending.reply, Reply::completed("1")),
        other @ (Claimed::Run(_) | Claimed::Busy(_) | Claimed::Late) => panic!("{other:?}"),
    }
}

#[test]
fn l1_a_dead_letter_that_is_redriven_opens_the_next_generation_and_no_other_message_does() {
    let dead = all_sent(&ended_as(&running(), How::Dead, NOW));
    assert!(matches!(claim(&dead, &ask(1), NOW), Claimed::Ended(_)), "its own duplicate");
    assert!(matches!(claim(&dead, &ask(3), NOW), Claimed::Ended(_)), "of no generation of it");
    let again = claimed(&dead, 2, NOW);
    assert_eq!((again.life.generation, again.life.attempts_made), (2, 1));
    assert_eq!(claim(&again, &ask(1), NOW), Claimed::Late, "the first message, late");
    assert!(matches!(claim(&again, &ask(2), NOW), Claimed::Busy(_)), "a second copy");
    let done = ended_as(&again, How::Done, NOW);
    assert!(matches!(claim(&done, &ask(3), NOW), Claimed::Ended(_)), "it did not die in 2");
}

#[test]
fn while_a_redriven_task_runs_its_failure_is_shown_and_completed_replaces_it() {
    let again = claimed(&all_sent(&ended_as(&running(), How::Dead, NOW)), 2, NOW);
    assert_eq!(result(&again, RETENTION, NOW), Some(Shown::Ended(Reply::failed("no"))));
    let done = ended_as(&again, How::Done, NOW);
    assert_eq!(result(&done, RETENTION, NOW), Some(Shown::Ended(Reply::completed("1"))));
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
    assert!(result(&record, RETENTION * 2, Timestamp::from_millis(over.as_millis() - 1)).is_some());
    assert_eq!(result(&record, RETENTION * 2, over), None);
    assert_eq!(
        result(&record, RETENTION / 2, NOW + RETENTION / 2),
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
    assert_eq!(result(&tombstone, RETENTION, over), None);
    let again = claimed(&tombstone, 2, over);
    assert_eq!(result(&again, RETENTION, over), Some(Shown::Pending));
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
        assert_eq!(result(&record, RETENTION, now), None, "it is shown to nobody");
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
fn a_second_send_is_made_only_of_a_task_that_is_not_known_to_be_sent() {
    let doubtful = pending();
    let next = hidden("replies", Reply::completed("64"), NOW);
    let early = TaskRecord { life: next.life, ..pending() };
    for unsent in [doubtful, early] {
        assert_eq!(repeated(&unsent), Repeated::Send);
    }
    let confirmed = TaskRecord { message_id: Some("m".to_owned()), ..pending() };
    for known in [confirmed, running(), ended_as(&running(), How::Done, NOW)] {
        assert_eq!(repeated(&known), Repeated::Known);
    }
}

#[test]
fn a_cancellation_leaves_the_claim_and_is_refused_once_the_task_has_ended() {
    let record = running();
    let asked = written(&record, cancel_asked(&record, NOW).unwrap(), NOW);
    assert_eq!((asked.until, fence(&asked)), (record.until, fence(&record)));
    assert_eq!(asked.life.cancel, Some(CancelAsked { at: NOW }));
    let done = ended_as(&asked, How::Cancelled, NOW);
    assert_eq!(cancel_asked(&done, NOW), Err(Refusal::Ended));
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let mut record = ended_as(&claimed(&running(), 1, NOW + LEASE), How::Dead, NOW);
    let life = Arc::make_mut(&mut record.life);
    life.cancel = Some(CancelAsked { at: NOW });
    life.unknown = Some(Unknown { since: NOW, times: 2 });
    let note = "half".to_owned();
    life.progress = Some(Progress { percent: 50, note, at: NOW });
    for life in [record.life, running().life, Life::new().into()] {
        assert_eq!(life_from_text(&life_to_text(&life)).unwrap(), *life);
    }
    let binary = longshore_types::MessageAttribute {
        data_type: "Binary.png".to_owned(),
        value: longshore_types::AttributeValue::Binary(vec![0, 255, 7]),
    };
    let asked = Asked {
        name: Some("n".to_owned()),
        queue: "q".to_owned(),
        key: Some("k".to_owned()),
        tags: vec!["a".to_owned()],
        created_at: NOW,
        body: Some("\u{1f600}\0".to_owned()),
        attributes: [("b".to_owned(), binary)].into(),
    };
    assert_eq!(asked_from_text(&asked_to_text(&asked)).unwrap(), asked);
}

#[test]
fn a_record_of_a_later_format_is_told_from_a_damaged_one() {
    let later = r#"{"format":99,"value":{"phase":"teleported"}}"#;
    assert!(matches!(life_from_text(later), Err(TextError::Later { found: 99 })));
    assert!(matches!(life_from_text("{}"), Err(TextError::Damaged(_))));
}

#[test]
fn where_a_store_has_no_clock_a_claim_ends_by_being_seen_unchanged_alone() {
    let record = running();
    let foreign = Ask { times_are_the_stores: false, ..ask(1) };
    assert_eq!(claim(&record, &foreign, NOW + LEASE * 2), Claimed::Busy(LEASE));
    let unchanged = Ask { unchanged: true, ..foreign };
    assert!(matches!(claim(&record, &unchanged, NOW), Claimed::Run(_)));
}

#[test]
fn a_message_whose_dead_letter_is_owed_is_not_late_however_long_ago_its_task_died() {
    let dead = ended_as(&running(), How::Dead, NOW);
    let late = NOW + RETENTION * 2;
    assert!(matches!(claim(&dead, &ask(1), late), Claimed::Ended(_)));
    assert_eq!(claim(&all_sent(&dead), &ask(1), late), Claimed::Late);
}

#[test]
fn a_message_of_the_last_generation_that_there_is_runs_nothing() {
    let mut dead = ended_as(&claimed(&pending(), u32::MAX, NOW), How::Dead, NOW);
    Arc::make_mut(&mut dead.life).outbox = None;
    assert!(matches!(claim(&dead, &ask(u32::MAX), NOW), Claimed::Ended(_)));
}

#[test]
fn an_id_that_a_hidden_reply_came_to_begins_anew_when_it_is_sent() {
    let early = hidden("replies", Reply::completed("64"), NOW);
    let record = written(&pending(), early, NOW);
    assert_eq!(repeated(&record), Repeated::Send);
    let again = written(&record, submitted_again(&record, Asked::default().into()), NOW);
    assert_eq!((&again.life.phase, &again.life.ending), (&Phase::Pending, &None));
    assert!(matches!(claim(&again, &ask(1), NOW), Claimed::Run(_)));
}

const WATCH: Duration = Duration::from_secs(40);

fn watched_run() -> TaskRecord {
    match claim(&pending(), &Ask { watch: Some(WATCH), ..ask(1) }, NOW) {
        Claimed::Run(next) => written(&pending(), *next, NOW),
        other @ (Claimed::Busy(_) | Claimed::Ended(_) | Claimed::Late) => {
            panic!("{other:?} instead of a claim")
        }
    }
}

#[test]
fn only_a_message_that_is_near_its_end_has_somebody_look_for_it() {
    assert_eq!(running().wake, None);
    let record = watched_run();
    assert_eq!(record.wake, Some(NOW + LEASE + WATCH));
    let (fence, later) = (fence(&record), NOW + LEASE / 2);
    let extended = written(&record, extended(&record, fence, LEASE).unwrap(), later);
    assert_eq!(extended.wake, Some(later + LEASE + WATCH), "as long after the claim as before");
    let again = retried(&extended, fence, Vec::new(), None, later).unwrap();
    assert_eq!(again.wake, None, "it was sent anew");
    let again = released(&extended, fence, false, Some(WATCH), later).unwrap();
    assert_eq!(again.wake, Some(When::In(WATCH)));
    let over = claimed(&record, 1, NOW + LEASE);
    assert_eq!(over.wake, None, "by a message with receives to spare");
}

#[test]
fn a_run_that_goes_on_is_looked_for_at_the_end_of_its_claim_and_not_before() {
    let record = TaskRecord { wake: Some(NOW), ..watched_run() };
    let Woken::Nothing(next) = woken(&record, NOW) else { panic!("it runs") };
    assert_eq!((next.wake, next.until), (Some(When::At(NOW + LEASE)), Some(When::At(NOW + LEASE))));
    assert_eq!(woken(&record, NOW + LEASE), Woken::Stranded);
    assert_eq!(resending(&record, WATCH, false, NOW), Err(Refusal::Overtaken));
    assert_eq!(given_up(&record, &end(How::Dead), false, NOW), Err(Refusal::Overtaken));
}

#[test]
fn a_stranded_task_is_sent_anew_and_looked_for_until_that_is_known() {
    let (record, late) = (watched_run(), NOW + LEASE + WATCH);
    let trying = written(&record, resending(&record, WATCH, true, late).unwrap(), late);
    assert_eq!((trying.wake, trying.until), (Some(late + WATCH), record.until));
    assert!(trying.keep >= late + Duration::from_secs(15 * 86_400), "as long as its message");
    assert_eq!(claimed(&trying, 1, late).life.attempts_made, 2);
    let known = written(&trying, resent(&trying), late);
    assert_eq!((known.wake, &known.life), (None, &record.life));
}

#[test]
fn a_task_that_is_given_up_is_dead_and_its_late_message_runs_nothing() {
    let (record, late) = (watched_run(), NOW + LEASE + WATCH);
    let dead = written(&record, given_up(&record, &end(How::Dead), true, late).unwrap(), late);
    assert_eq!((dead.life.standing(), dead.life.outbox.is_some()), (Standing::Failed, true));
    assert_eq!(ended(&dead, fence(&record), &end(How::Done), late), Err(Refusal::Ended));
    assert!(matches!(claim(&dead, &ask(1), late), Claimed::Ended(_)));
    assert!(matches!(claim(&dead, &ask(2), late), Claimed::Run(_)), "redriven");
    assert_eq!(given_up(&dead, &end(How::Dead), true, late), Err(Refusal::Ended));
}

#[test]
fn a_delivery_that_claims_nothing_has_a_task_watched_that_nobody_watches() {
    let pending = pending();
    let record = written(&pending, watched(&pending, WATCH).unwrap(), NOW);
    assert_eq!((record.wake, &record.life), (Some(NOW + WATCH), &pending.life));
    assert_eq!(watched(&record, LEASE), None);
    assert_eq!(woken(&record, NOW + WATCH), Woken::Stranded);
    let running = running();
    assert_eq!(watched(&running, WATCH).unwrap().until, running.until.map(When::At));
    assert_eq!(watched(&ended_as(&running, How::Done, NOW), WATCH), None);
}

#[test]
fn only_what_nobody_else_was_told_of_may_go_with_the_host() {
    let survives = |next: &Next| next.survives;
    let Claimed::Run(claim) = claim(&pending(), &ask(1), NOW) else { panic!("not free") };
    let (record, progress) = (running(), Progress { percent: 1, note: String::new(), at: NOW });
    let fence = fence(&record);
    let ended = ended_as(&record, How::Done, NOW);
    for next in [
        &submitted(Asked::default()),
        &*claim,
        &extended(&record, fence, LEASE).unwrap(),
        &progressed(&record, fence, progress).unwrap(),
        &moved_on(&ended, LEASE, NOW).unwrap(),
        &sent(&ended, 1, true, true).unwrap(),
    ] {
        assert_eq!(survives(next), Survives::Kill, "{next:?}");
    }
    for next in [
        super::ended(&record, fence, &end(How::Done), NOW).unwrap(),
        retried(&record, fence, Vec::new(), None, NOW).unwrap(),
        released(&record, fence, false, None, NOW).unwrap(),
        submitted_again(&pending(), Arc::default()),
        withdrawn(),
        hidden("replies", Reply::completed("1"), NOW),
    ] {
        assert_eq!(survives(&next), Survives::PowerCut, "{next:?}");
    }
}
