//! The rules, on plain values: no store, no clock, no queue.

mod ends;
mod stranded;

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
        received_before: false,
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
    assert_eq!(result(&again.life, RETENTION, NOW), Some(Shown::Ended(Reply::failed("no"))));
    let done = ended_as(&again, How::Done, NOW);
    assert_eq!(result(&done.life, RETENTION, NOW), Some(Shown::Ended(Reply::completed("1"))));
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

#[test]
fn only_what_nobody_else_was_told_of_may_go_with_the_host() {
    let survives = |next: &Next| next.survives;
    let claim_by = |ask| match claim(&pending(), &ask, NOW) {
        Claimed::Run(next) => *next,
        other @ (Claimed::Busy(_) | Claimed::Ended(_) | Claimed::Late) => panic!("{other:?}"),
    };
    let (record, progress) = (running(), Progress { percent: 1, note: String::new(), at: NOW });
    let fence = fence(&record);
    let ended = ended_as(&record, How::Done, NOW);
    for next in [
        &submitted(Asked::default()),
        &claim_by(ask(1)),
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
        claim_by(Ask { watch: Some(LEASE), ..ask(1) }),
        claim_by(Ask { received_before: true, ..ask(1) }),
        withdrawn(),
        hidden("replies", Reply::completed("1"), NOW),
    ] {
        assert_eq!(survives(&next), Survives::PowerCut, "{next:?}");
    }
}
