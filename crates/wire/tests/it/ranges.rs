//! Numbers at and beyond the ends of their ranges.

use std::time::Duration;

use longshore_wire::check::{self, ReceiveLimits};
use longshore_wire::{ReceiveMessage, SqsError};

#[track_caller]
fn assert_text<T: std::fmt::Debug>(refused: Result<T, SqsError>, text: &str) {
    assert_eq!(refused.unwrap_err(), SqsError::InvalidParameterValue(text.to_owned()));
}

fn receive(count: Option<i64>, visibility: Option<i64>, wait: Option<i64>) -> ReceiveMessage {
    ReceiveMessage {
        max_number_of_messages: count.map(Into::into),
        visibility_timeout: visibility.map(Into::into),
        wait_time_seconds: wait.map(Into::into),
        ..ReceiveMessage::default()
    }
}

#[test]
fn a_receive_answers_one_message_and_leaves_the_rest_to_the_queue() {
    let limits = check::receive(&ReceiveMessage::default()).unwrap();
    assert_eq!(limits, ReceiveLimits { count: 1, visibility: None, wait: None });
}

#[test]
fn a_receive_can_go_to_the_ends_of_its_ranges() {
    let limits = check::receive(&receive(Some(10), Some(43_200), Some(20))).unwrap();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let expected = ReceiveLimits { count: 10, visibility: seconds(43_200), wait: seconds(20) };
    assert_eq!(limits, expected);
    let limits = check::receive(&receive(Some(1), Some(0), Some(0))).unwrap();
    assert_eq!(limits, ReceiveLimits { count: 1, visibility: seconds(0), wait: seconds(0) });
}

#[test]
fn a_receive_beyond_its_ranges_is_refused() {
    for count in [0, 11, -1, i64::MAX] {
        let text = format!(
            "Value {count} for parameter MaxNumberOfMessages is invalid. \
             Reason: Must be between 1 and 10, if provided."
        );
        assert_text(check::receive(&receive(Some(count), None, None)), &text);
    }
    for wait in [21, -1] {
        let text = format!(
            "Value {wait} for parameter WaitTimeSeconds is invalid. \
             Reason: Must be >= 0 and <= 20, if provided."
        );
        assert_text(check::receive(&receive(None, None, Some(wait))), &text);
    }
    for visibility in [43_201, -1] {
        let text = format!(
            "Value {visibility} for parameter VisibilityTimeout is invalid. \
             Reason: Must be >= 0 and <= 43200, if provided."
        );
        assert_text(check::receive(&receive(None, Some(visibility), None)), &text);
    }
}

#[test]
fn a_receive_attempt_id_is_an_id() {
    let request = |id: &str| ReceiveMessage {
        receive_request_attempt_id: Some(id.to_owned()),
        ..ReceiveMessage::default()
    };
    assert!(check::receive(&request("a")).is_ok());
    assert_text(
        check::receive(&request("")),
        "Value  for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId \
         can only include alphanumeric and punctuation characters. 1 to 128 in length.",
    );
}

#[test]
fn a_visibility_timeout_is_0_to_43200_in_two_texts() {
    assert_eq!(check::visibility(&0.into()), Ok(Duration::ZERO));
    assert_eq!(check::entry_visibility(Some(&43_200.into())), Ok(Duration::from_secs(43_200)));
    for seconds in [-1, 43_201] {
        let head = format!("Value {seconds} for parameter VisibilityTimeout is invalid. Reason: ");
        assert_text(
            check::visibility(&seconds.into()),
            &format!("{head}Must be between 0 and 43200."),
        );
        let entry = "VisibilityTimeout must be an integer between 0 and 43200.";
        assert_text(check::entry_visibility(Some(&seconds.into())), &format!("{head}{entry}"));
    }
    let missing = SqsError::MissingParameter("VisibilityTimeout".to_owned());
    assert_eq!(check::entry_visibility(None), Err(missing));
}

#[test]
fn a_delay_on_a_standard_queue_is_0_to_900_and_overrides_the_queue() {
    assert_eq!(check::delay(None, true), Ok(None));
    assert_eq!(check::delay(Some(&0.into()), true), Ok(Some(Duration::ZERO)));
    assert_eq!(check::delay(Some(&900.into()), true), Ok(Some(Duration::from_secs(900))));
    for seconds in [-1, 901] {
        let text = format!(
            "Value {seconds} for parameter DelaySeconds is invalid. \
             Reason: DelaySeconds must be >= 0 and <= 900."
        );
        assert_text(check::delay(Some(&seconds.into()), true), &text);
    }
}

#[test]
fn a_delay_on_a_fifo_queue_is_refused_unless_it_is_0_which_says_nothing() {
    assert_eq!(check::delay(None, false), Ok(None));
    assert_eq!(check::delay(Some(&0.into()), false), Ok(None));
    let text = "Value 2 for parameter DelaySeconds is invalid. Reason: The request include \
                parameter that is not valid for this queue type.";
    assert_text(check::delay(Some(&2.into()), false), text);
}

#[test]
fn a_page_has_1_to_1000_queues() {
    assert_eq!(check::max_results(None), Ok(None));
    assert_eq!(check::max_results(Some(1000)), Ok(Some(1000)));
    for sent in [0, 1001, -1] {
        assert_text(
            check::max_results(Some(sent)),
            "Value for parameter MaxResults is invalid. \
             Reason: MaxResults must be an integer between 1 and 1000.",
        );
    }
}

#[test]
fn a_move_task_has_a_rate_of_1_to_500_or_none() {
    for rate in [None, Some(1), Some(500)] {
        let expected = rate.map(|rate| u32::try_from(rate).unwrap());
        assert_eq!(check::move_rate(rate), Ok(expected));
    }
    for rate in [0, 501, -1, i64::MAX] {
        let text = "Value for parameter MaxNumberOfMessagesPerSecond is invalid. \
                    Reason: You must enter a number that's between 1 and 500.";
        assert_text(check::move_rate(Some(rate)), text);
    }
}

#[test]
fn a_list_of_move_tasks_shows_one_unless_told_otherwise() {
    assert_eq!(check::move_tasks_shown(None), Ok(1));
    assert_eq!(check::move_tasks_shown(Some(10)), Ok(10));
    for count in [0, 11, -1] {
        let text = "Value for parameter MaxResults is invalid. \
                    Reason: You must enter a number that's between 1 and 10.";
        assert_text(check::move_tasks_shown(Some(count)), text);
    }
}
