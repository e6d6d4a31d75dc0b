//! What a receive asks for: message attributes and system attributes.

use longshore_wire::SystemAttributeName;
use longshore_wire::check::{AttributeFilter, system_attribute_names};

use crate::list;

#[test]
fn all_is_asked_for_in_several_ways() {
    for name in ["All", "ALL", "all", "*", ".*"] {
        let filter = AttributeFilter::parse(&list(["other", name]));
        assert!(filter.matches("anything") && filter.matches("Hello"), "{name}");
    }
}

#[test]
fn a_prefix_is_what_stands_before_the_full_stop_and_the_star() {
    let filter = AttributeFilter::parse(&list(["Hel.*"]));
    assert!(filter.matches("Hello") && filter.matches("Hel") && filter.matches("Help.Me"));
    assert!(!filter.matches("hello") && !filter.matches("General"));
}

#[test]
fn any_other_name_matches_itself_alone() {
    let filter = AttributeFilter::parse(&list(["Hello", "Gen*", "AWS.", "..foo", ""]));
    assert!(filter.matches("Hello"));
    assert!(!filter.matches("Hello2") && !filter.matches("General") && !filter.matches("foo"));
}

#[test]
fn without_names_no_attribute_is_asked_for() {
    let filter = AttributeFilter::parse(&[]);
    assert!(filter.is_empty() && !filter.matches("Hello") && !filter.matches(""));
    assert!(!AttributeFilter::parse(&list(["x"])).is_empty());
}

#[test]
fn both_lists_of_system_attributes_are_united() {
    let names = system_attribute_names(&list(["SenderId"]), &list(["AWSTraceHeader", "SenderId"]));
    let expected = [SystemAttributeName::AwsTraceHeader, SystemAttributeName::SenderId];
    assert!(names.iter().eq(expected));
    assert!(names.contains(SystemAttributeName::SenderId));
    assert!(!names.contains(SystemAttributeName::SentTimestamp));
}

#[test]
fn all_in_either_list_stands_for_every_system_attribute() {
    let every = SystemAttributeName::ALL.iter().copied();
    let older = system_attribute_names(&list(["All"]), &list(["SenderId"]));
    assert!(older.iter().eq(every.clone()));
    let newer = system_attribute_names(&[], &list(["SenderId", "All"]));
    assert!(newer.iter().eq(every));
}

#[test]
fn the_older_list_can_bear_queue_attributes_and_an_empty_name() {
    let names = system_attribute_names(&list(["VisibilityTimeout", ""]), &[]);
    assert_eq!(names.iter().count(), 0);
}

#[test]
fn q15_a_system_attribute_that_there_is_not_is_passed_over() {
    let unknown = ["not-a-real-name", "senderId", "VisibilityTimeout", ""];
    assert_eq!(system_attribute_names(&list(unknown), &list(unknown)).iter().count(), 0);
    let names = system_attribute_names(&list(["Future", "SenderId"]), &list(["Future"]));
    assert!(names.iter().eq([SystemAttributeName::SenderId]));
}

#[test]
fn every_system_attribute_reads_back() {
    for name in SystemAttributeName::ALL {
        assert_eq!(SystemAttributeName::parse(name.as_str()), Some(*name));
    }
}
