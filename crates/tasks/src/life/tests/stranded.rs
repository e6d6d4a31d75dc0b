//! Tasks whose message is near its end, or gone.

use super::*;

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
