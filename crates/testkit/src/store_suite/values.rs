//! Values: small texts by key, each with a version and a time to live.

use longshore_tasks::life::When;
use longshore_tasks::store::{Expected, PutValue, Value, ValueWritten};
use longshore_types::Timestamp;

use super::case::{Case, LONG, SHORT, put, same, value_conflict};

/// The longest text of a value.
const TEXT_MAX: usize = 64 * 1024;

pub(super) async fn exercise(case: &Case) {
    each_expectation_is_kept(case).await;
    a_value_is_overwritten_whole(case).await;
    a_value_goes_when_it_is_over(case).await;
    a_prefix_is_taken_literally(case).await;
    long_keys_and_texts_come_back(case).await;
    times_are_stamped_and_end(case).await;
}

async fn each_expectation_is_kept(case: &Case) {
    same(&case.value("counter").await, &None, "no value is there at first");
    let met = value_conflict(case.put(put("counter", Expected::Version(1), "x")).await);
    same(&met, &None, "a version is expected where there is nothing");
    let done = case.put(put("counter", Expected::Nothing, "one")).await;
    same(&done, &ValueWritten::Done(1), "nothing is expected, and nothing is there");
    let there = case.value("counter").await;
    let met = value_conflict(case.put(put("counter", Expected::Nothing, "x")).await);
    same(&met, &there, "nothing is expected where a value is");
    let done = case.put(put("counter", Expected::Version(1), "two")).await;
    same(&done, &ValueWritten::Done(2), "the version that is expected is there");
    let there = case.value("counter").await;
    for wrong in [1, 3] {
        let met = value_conflict(case.put(put("counter", Expected::Version(wrong), "x")).await);
        same(&met, &there, "another version is expected than is there");
    }
    let done = case.put(put("counter", Expected::Anything, "three")).await;
    same(&done, &ValueWritten::Done(3), "anything is expected, and a value is there");
    let done = case.put(put("other", Expected::Anything, "one")).await;
    same(&done, &ValueWritten::Done(1), "anything is expected, and nothing is there");
}

async fn a_value_is_overwritten_whole(case: &Case) {
    for (version, mark) in [(1, u64::MAX), (2, 1 << 63), (3, 0)] {
        let value = PutValue { mark, ..put("whole", Expected::Anything, &format!("v{version}")) };
        case.put(value.clone()).await;
        let found = case.value("whole").await.expect("a value that was put is there");
        let keep = found.keep;
        let expected = Value { key: value.key, version, mark, text: value.text, keep };
        same(&found, &expected, "a value is read back as it was put");
    }
    let mut values = case.store.values(vec!["whole".into(), "none".into(), "whole".into()]).await;
    let values = values.as_mut().expect("values are answered").value.iter();
    let there: Vec<bool> = values.map(Option::is_some).collect();
    same(&there, &vec![true, false, true], "each key is answered in its place");
}

async fn a_value_goes_when_it_is_over(case: &Case) {
    let until = case.now().await + SHORT;
    case.put(PutValue { keep: When::At(until), ..put("brief", Expected::Nothing, "v") }).await;
    let there = case.value("brief").await.is_some();
    assert!(there || case.now().await >= until, "a value is there before its time is over");
    case.pass(until).await;
    same(&case.value("brief").await, &None, "and not after");
    same(&case.list_values("brief", 10).await, &Vec::new(), "nor is it listed");
    let met = value_conflict(case.put(put("brief", Expected::Version(1), "x")).await);
    same(&met, &None, "a value that is over is nothing");
    let done = case.put(put("brief", Expected::Nothing, "v")).await;
    same(&done, &ValueWritten::Done(1), "its place is empty: versions begin again");
    let past = When::At(Timestamp::from_millis(1));
    case.put(PutValue { keep: past, ..put("brief", Expected::Version(1), "v") }).await;
    same(&case.value("brief").await, &None, "a time that has passed removes a value");
}

async fn a_prefix_is_taken_literally(case: &Case) {
    let keys = ["p%a", "p%b", "pxa", "p_a", "p*a", "p?a", "p[a]", "P%a", "p", "p\\a", "q"];
    for key in keys {
        case.put(put(key, Expected::Nothing, key)).await;
    }
    for prefix in ["p%", "p_", "p*", "p?", "p[", "P", "p\\", "p", "q", "zz"] {
        let mut expected: Vec<&str> =
            keys.into_iter().filter(|key| key.starts_with(prefix)).collect();
        expected.sort_unstable();
        let values = case.list_values(prefix, 100).await;
        let found: Vec<&str> = values.iter().map(|value| value.key.as_str()).collect();
        same(&found, &expected, &format!("the keys that begin with {prefix}, in their order"));
        assert!(values.iter().all(|value| value.text == value.key), "each with its text");
    }
    let some = case.list_values("p", 3).await;
    let found: Vec<&str> = some.iter().map(|value| value.key.as_str()).collect();
    same(&found, &vec!["p", "p%a", "p%b"], "no more are listed than was asked, the first ones");
}

async fn long_keys_and_texts_come_back(case: &Case) {
    let key = format!("long/{}", "k: ~".repeat(62));
    let text: String = "é\"\u{1F980}\n".chars().cycle().take(TEXT_MAX / 4).collect();
    case.put(put(&key, Expected::Nothing, &text)).await;
    let found = case.value(&key).await.expect("a value of a long key is there");
    assert!(found.text == text, "a long text comes back");
    same(&case.list_values("long/", 10).await.len(), &1, "a long key is listed");
}

async fn times_are_stamped_and_end(case: &Case) {
    let before = case.now().await;
    case.put(put("stamped", Expected::Nothing, "v")).await;
    let keep = case.value("stamped").await.expect("the value is there").keep;
    let after = case.now().await;
    assert!(
        before + LONG <= keep && keep <= after + LONG,
        "keep is the store's time and the time to live"
    );
    let end = When::At(Timestamp::from_millis(u64::MAX));
    case.put(PutValue { keep: end, ..put("for-ever", Expected::Nothing, "v") }).await;
    let there = case.value("for-ever").await;
    assert!(there.is_some_and(|value| value.keep > after + LONG), "a value can be kept for ever");
}
