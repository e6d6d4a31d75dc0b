//! Handles of message move tasks: the task's id and its source queue, as JSON in base64.
//!
//! SQS's own handles are so, and there are programs that look into them. A handle is no secret: it
//! gives nobody more than the list of tasks does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_types::{MoveTaskId, QueueArn};
use serde_json::{Map, Value};

const TASK: &str = "taskId";
const SOURCE: &str = "sourceArn";

/// A task, and the queue that it moves messages from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskHandle {
    pub(super) task: MoveTaskId,
    pub(super) source: QueueArn,
}

impl TaskHandle {
    /// The text that a client hands back.
    pub(super) fn text(&self) -> String {
        let Self { task, source } = self;
        STANDARD.encode(format!(r#"{{"{TASK}":"{task}","{SOURCE}":"{source}"}}"#))
    }

    /// The handle that a text is; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let map: Map<String, Value> = serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()?;
        let member = |name: &str| map.get(name)?.as_str();
        let task = MoveTaskId::parse(member(TASK)?)?;
        let source = QueueArn::parse(member(SOURCE)?).ok()?;
        (map.len() == 2).then_some(Self { task, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"taskId":"abababab-abab-4bab-abab-abababababab","sourceArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;

    #[test]
    fn a_handle_is_the_base64_of_the_json_that_sqs_makes() {
        let source = QueueArn::parse("arn:aws:sqs:us-east-1:000000000000:dead").unwrap();
        let handle = TaskHandle { task: MoveTaskId::from_random([0xAB; 16]), source };
        assert_eq!(handle.text(), STANDARD.encode(JSON));
        assert_eq!(TaskHandle::parse(&handle.text()), Some(handle));
    }

    #[test]
    fn only_that_shape_is_a_handle() {
        let not = [
            JSON.to_owned(),
            STANDARD.encode("[]"),
            STANDARD.encode("{}"),
            STANDARD.encode(JSON.replace("taskId", "task")),
            STANDARD.encode(JSON.replace("4bab", "x")),
            STANDARD.encode(JSON.replace("sqs", "sns")),
            STANDARD.encode(JSON.replacen('{', r#"{"more":1,"#, 1)),
        ];
        for text in not {
            assert_eq!(TaskHandle::parse(&text), None, "{text}");
        }
    }
}
