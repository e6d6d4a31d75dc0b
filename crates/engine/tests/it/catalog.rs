//! Which queues exist.

use std::collections::BTreeMap;

use longshore_engine::{Catalog, CatalogEvent, CatalogRefusal, QueueEntry, QueueId};
use longshore_types::{AttributeName, QueueArn, Timestamp};

use crate::builder::{T0, arn, millis, secs};

type Texts = BTreeMap<String, String>;

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Texts {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn redrive_to(target: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":3}}"#, arn(target))
}

fn create_at(catalog: &mut Catalog, arn: &QueueArn, at: Timestamp) -> QueueId {
    let event = catalog.create(arn.clone(), BTreeMap::new(), Texts::new()).unwrap();
    catalog.apply(&event, at);
    catalog.by_arn(arn).unwrap()
}

fn create(catalog: &mut Catalog, name: &str) -> QueueId {
    create_at(catalog, &arn(name), T0)
}

fn delete(catalog: &mut Catalog, id: QueueId, at: Timestamp) {
    let event = catalog.delete(id).unwrap();
    catalog.apply(&event, at);
}

fn set(catalog: &mut Catalog, id: QueueId, name: AttributeName, value: Option<&str>) {
    let value = value.map(str::to_owned);
    let event = catalog.set_attributes(id, [(name, value)].into()).unwrap();
    catalog.apply(&event, T0 + secs(5));
}

fn names<'a>(entries: impl Iterator<Item = &'a QueueEntry>) -> Vec<&'a str> {
    entries.map(|entry| entry.arn.name.as_str()).collect()
}

#[test]
fn a_created_queue_is_found_by_name_and_by_id() {
    let mut catalog = Catalog::default();
    let attributes = BTreeMap::from([(AttributeName::DelaySeconds, "5".to_owned())]);
    let tags = texts([("team", "quay")]);
    let event = catalog.create(arn("work"), attributes.clone(), tags.clone()).unwrap();
    assert_eq!(catalog.by_arn(&arn("work")), None, "a decision changes nothing");
    catalog.apply(&event, T0);

    let id = catalog.by_arn(&arn("work")).unwrap();
    let entry = catalog.get(id).unwrap();
    assert_eq!((entry.id, &entry.arn), (id, &arn("work")));
    assert_eq!((&entry.attributes, &entry.tags), (&attributes, &tags));
    assert_eq!((entry.created_at, entry.modified_at), (T0, T0));
}

#[test]
fn a_name_is_used_once_in_an_account_and_region() {
    let mut catalog = Catalog::default();
    let id = create(&mut catalog, "work");
    let refusal = CatalogRefusal::Exists { arn: arn("work"), id };
    assert_eq!(catalog.create(arn("work"), BTreeMap::new(), Texts::new()), Err(refusal));

    let elsewhere = QueueArn::parse("arn:aws:sqs:eu-west-1:000000000000:work").unwrap();
    assert_ne!(create_at(&mut catalog, &elsewhere, T0), id);
}

#[test]
fn an_id_is_never_given_twice() {
    let mut catalog = Catalog::default();
    let mut last = create(&mut catalog, "other");
    for _ in 0..4 {
        let id = create(&mut catalog, "work");
        assert!(id > last);
        delete(&mut catalog, id, T0);
        last = id;
    }
}

#[test]
fn a_deleted_queue_is_gone_and_its_name_remembered_for_a_minute() {
    let mut catalog = Catalog::default();
    let id = create(&mut catalog, "work");
    delete(&mut catalog, id, T0);
    assert_eq!(catalog.by_arn(&arn("work")), None);
    assert_eq!(catalog.get(id), None);
    assert_eq!(catalog.delete(id), Err(CatalogRefusal::Unknown { id }));
    assert_eq!(catalog.deleted_at(&arn("work")), Some(T0));

    create_at(&mut catalog, &arn("other"), T0 + millis(59_999));
    assert_eq!(catalog.deleted_at(&arn("work")), Some(T0));
    create_at(&mut catalog, &arn("another"), T0 + secs(60));
    assert_eq!(catalog.deleted_at(&arn("work")), None);
}

#[test]
fn a_name_deleted_again_is_remembered_from_its_last_deletion_on() {
    let mut catalog = Catalog::default();
    let first = create(&mut catalog, "work");
    delete(&mut catalog, first, T0);
    let second = create(&mut catalog, "work");
    assert_eq!(catalog.deleted_at(&arn("work")), None, "the name is used again");
    delete(&mut catalog, second, T0 + secs(30));
    create_at(&mut catalog, &arn("other"), T0 + secs(61));
    assert_eq!(catalog.deleted_at(&arn("work")), Some(T0 + secs(30)));
}

#[test]
fn queues_of_an_account_are_listed_by_name_and_prefix() {
    let mut catalog = Catalog::default();
    for name in ["b-2", "a", "b-1", "c", "b-1.fifo", "B-0"] {
        create(&mut catalog, name);
    }
    let elsewhere = QueueArn::parse("arn:aws:sqs:us-east-1:111111111111:b-9").unwrap();
    create_at(&mut catalog, &elsewhere, T0);

    let QueueArn { region, account, .. } = arn("a");
    let list = |prefix| names(catalog.in_account(&region, &account, prefix));
    assert_eq!(list(""), ["B-0", "a", "b-1", "b-1.fifo", "b-2", "c"]);
    assert_eq!(list("b-"), ["b-1", "b-1.fifo", "b-2"]);
    assert_eq!(list("b-1.fi"), ["b-1.fifo"]);
    assert_eq!(list("d"), [""; 0]);
}

#[test]
fn deleted_queues_are_not_listed() {
    let mut catalog = Catalog::default();
    let id = create(&mut catalog, "a");
    delete(&mut catalog, id, T0);
    let QueueArn { region, account, .. } = arn("a");
    assert_eq!(names(catalog.in_account(&region, &account, "")), [""; 0]);
}

#[test]
fn setting_attributes_changes_those_named_and_the_time_of_modification() {
    let mut catalog = Catalog::default();
    let id = create(&mut catalog, "work");
    set(&mut catalog, id, AttributeName::DelaySeconds, Some("5"));
    set(&mut catalog, id, AttributeName::Policy, Some("{}"));
    set(&mut catalog, id, AttributeName::Policy, None);

    let entry = catalog.get(id).unwrap();
    assert_eq!(entry.attributes, [(AttributeName::DelaySeconds, "5".to_owned())].into());
    assert_eq!((entry.created_at, entry.modified_at), (T0, T0 + secs(5)));
}

#[test]
fn the_sources_of_a_dead_letter_queue_are_those_whose_policy_names_it_now() {
    let mut catalog = Catalog::default();
    let [first, second] = ["one", "two"].map(|name| create(&mut catalog, name));
    set(&mut catalog, first, AttributeName::RedrivePolicy, Some(&redrive_to("dead")));
    set(&mut catalog, second, AttributeName::RedrivePolicy, Some(&redrive_to("dead")));
    assert_eq!(names(catalog.sources_of(&arn("dead"))), ["one", "two"]);
    assert_eq!(catalog.get(first).unwrap().dead_letter_target, Some(arn("dead")));

    set(&mut catalog, first, AttributeName::RedrivePolicy, Some(&redrive_to("elsewhere")));
    assert_eq!(names(catalog.sources_of(&arn("dead"))), ["two"]);
    assert_eq!(names(catalog.sources_of(&arn("elsewhere"))), ["one"]);
    set(&mut catalog, first, AttributeName::RedrivePolicy, None);
    assert_eq!(names(catalog.sources_of(&arn("elsewhere"))), [""; 0]);
    delete(&mut catalog, second, T0);
    assert_eq!(names(catalog.sources_of(&arn("dead"))), [""; 0]);
}

#[test]
fn a_queue_created_with_a_redrive_policy_is_a_source() {
    let mut catalog = Catalog::default();
    let attributes = BTreeMap::from([(AttributeName::RedrivePolicy, redrive_to("dead"))]);
    let event = catalog.create(arn("work"), attributes, Texts::new()).unwrap();
    catalog.apply(&event, T0);
    assert_eq!(names(catalog.sources_of(&arn("dead"))), ["work"]);
}

#[test]
fn tags_are_merged_and_overwritten_and_missing_ones_are_removed_with_success() {
    let mut catalog = Catalog::default();
    let id = create(&mut catalog, "work");
    for tags in [texts([("a", "1"), ("b", "")]), texts([("b", "2"), ("A", "3")])] {
        let event = catalog.tag(id, tags).unwrap().unwrap();
        catalog.apply(&event, T0);
    }
    assert_eq!(catalog.get(id).unwrap().tags, texts([("A", "3"), ("a", "1"), ("b", "2")]));

    let event = catalog.untag(id, ["a".to_owned(), "missing".to_owned()].into()).unwrap();
    catalog.apply(&event.unwrap(), T0);
    assert_eq!(catalog.get(id).unwrap().tags, texts([("A", "3"), ("b", "2")]));
}

#[test]
fn c5_tags_that_are_there_and_the_removal_of_others_are_no_event() {
    let mut catalog = Catalog::default();
    let id = create(&mut catalog, "work");
    let event = catalog.tag(id, texts([("a", "1"), ("b", "2")])).unwrap().unwrap();
    catalog.apply(&event, T0);
    assert_eq!(catalog.tag(id, texts([("a", "1")])), Ok(None));
    assert!(catalog.tag(id, texts([("a", "2")])).unwrap().is_some());
    assert_eq!(catalog.untag(id, ["c".to_owned()].into()), Ok(None));
    assert!(catalog.untag(id, ["b".to_owned(), "c".to_owned()].into()).unwrap().is_some());
}

#[test]
fn a_queue_has_50_tags_at_most() {
    let many = |range: std::ops::Range<u32>| -> Texts {
        range.map(|number| (format!("key-{number}"), String::new())).collect()
    };
    let mut catalog = Catalog::default();
    let refusal = CatalogRefusal::TooManyTags { arn: arn("work"), tag_count: 51 };
    assert_eq!(catalog.create(arn("work"), BTreeMap::new(), many(0..51)), Err(refusal.clone()));

    let id = create(&mut catalog, "work");
    let event = catalog.tag(id, many(0..50)).unwrap().unwrap();
    catalog.apply(&event, T0);
    assert_eq!(catalog.tag(id, many(50..51)), Err(refusal));
    assert!(catalog.tag(id, many(49..50)).is_ok(), "an overwritten tag is not a new one");
}

#[test]
fn what_concerns_a_queue_that_is_not_there_is_refused_and_if_applied_passed_over() {
    let mut catalog = Catalog::default();
    let id = QueueId::new(7);
    let refusal = CatalogRefusal::Unknown { id };
    assert_eq!(catalog.delete(id), Err(refusal.clone()));
    assert_eq!(catalog.set_attributes(id, BTreeMap::new()), Err(refusal.clone()));
    assert_eq!(catalog.tag(id, Texts::new()), Err(refusal.clone()));
    assert_eq!(catalog.untag(id, [].into()), Err(refusal));

    catalog.apply(&CatalogEvent::Deleted { id }, T0);
    catalog.apply(&CatalogEvent::Tagged { id, tags: texts([("a", "b")]) }, T0);
    assert_eq!(catalog, Catalog::default());
}

#[test]
fn a_store_is_founded_with_a_secret_that_is_never_shown() {
    let mut catalog = Catalog::default();
    assert_eq!(catalog.secret(), None);
    let event = catalog.found([42; 32]);
    catalog.apply(&event, T0);
    assert_eq!(catalog.secret(), Some(&[42; 32]));
    assert!(!format!("{catalog:?} {event:?}").contains("42"));
}

#[test]
fn every_start_of_a_broker_has_a_greater_epoch() {
    let mut catalog = Catalog::default();
    assert_eq!(catalog.epoch(), 0);
    for epoch in 1..4 {
        let event = catalog.boot();
        catalog.apply(&event, T0);
        assert_eq!(catalog.epoch(), epoch);
    }
}
