//! The few calls of SQS that the kit makes, and what their answers say for certain.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::body;
use crate::history::{Accepted, Answer, Delivery, Held, Queue, group_of};
use crate::http::{Connection, Reply};

/// The queue of messages that only take room.
const FILLER: &str = "filler";

/// A client of one broker. It has one connection, and makes a new one after each failure.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// Makes a call. One that cannot even connect has not been made, and is refused.
    pub(crate) fn call(&mut self, action: &str, request: &Value) -> Answer<Value> {
        let Ok(mut connection) =
            self.connection.take().map_or_else(|| Connection::open(self.address), Ok)
        else {
            return Answer::Refused;
        };
        let Ok(reply) = connection.post(action, &request.to_string()) else {
            return Answer::Unknown;
        };
        self.connection = Some(connection);
        judged(&reply)
    }

    /// Makes a call that must succeed.
    pub(crate) fn must(&mut self, action: &str, request: &Value) -> Result<Value> {
        match self.call(action, request) {
            Answer::Done(answer) => Ok(answer),
            Answer::Refused => bail!("{action} was refused: {request}"),
            Answer::Unknown => bail!("{action} got no answer"),
        }
    }

    /// Sends messages, several by one call, and says what came of each.
    pub(crate) fn send(&mut self, queue: Queue, drafts: &[Draft]) -> Vec<Answer<Accepted>> {
        let entries: Vec<_> = drafts.iter().map(|draft| draft.entry(queue)).collect();
        if let [entry] = entries.as_slice() {
            return vec![
                self.call("SendMessage", &with(entry, "QueueUrl", &url(queue)))
                    .map(|answer| accepted(&answer)),
            ];
        }
        let numbered = entries.iter().enumerate();
        let numbered: Vec<_> =
            numbered.map(|(id, entry)| with(entry, "Id", &id.to_string())).collect();
        let request = json!({"QueueUrl": url(queue), "Entries": numbered});
        let answer = self.call("SendMessageBatch", &request);
        (0..drafts.len()).map(|id| entry_of(&answer, &id.to_string())).collect()
    }

    /// Receives some messages for so long, each with its receipt handle.
    pub(crate) fn receive(
        &mut self,
        queue: Queue,
        count: u64,
        lease_seconds: u64,
    ) -> Answer<Vec<(Delivery, String)>> {
        let request = json!({
            "QueueUrl": url(queue), "MaxNumberOfMessages": count, "VisibilityTimeout": lease_seconds,
            "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SequenceNumber"],
        });
        self.call("ReceiveMessage", &request).map(|answer| {
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            messages
                .iter()
                .map(|message| (delivery(message), text(&message["ReceiptHandle"])))
                .collect()
        })
    }

    pub(crate) fn delete(&mut self, queue: Queue, handle: &str) -> Answer<()> {
        let request = json!({"QueueUrl": url(queue), "ReceiptHandle": handle});
        self.call("DeleteMessage", &request).map(drop)
    }

    pub(crate) fn change_visibility(
        &mut self,
        queue: Queue,
        handle: &str,
        lease_seconds: u64,
    ) -> Answer<()> {
        let request = json!({"QueueUrl": url(queue), "ReceiptHandle": handle, "VisibilityTimeout": lease_seconds});
        self.call("ChangeMessageVisibility", &request).map(drop)
    }

    /// Starts emptying the dead-letter queue to where its messages came from.
    pub(crate) fn start_move(&mut self) -> Answer<()> {
        let request = json!({"SourceArn": arn(Queue::Dead)});
        self.call("StartMessageMoveTask", &request).map(drop)
    }

    /// Ends the move task that empties the dead-letter queue, if one runs.
    pub(crate) fn cancel_moves(&mut self) -> Result<()> {
        let answer = self.must("ListMessageMoveTasks", &json!({"SourceArn": arn(Queue::Dead)}))?;
        for task in answer["Results"].as_array().into_iter().flatten() {
            if task["Status"] == "RUNNING" {
                // One that has ended meanwhile is refused, which is as well.
                self.call("CancelMessageMoveTask", &json!({"TaskHandle": task["TaskHandle"]}));
            }
        }
        Ok(())
    }

    /// Makes the queues that everybody works on, or finds them made.
    pub(crate) fn create_queues(&mut self) -> Result<()> {
        for queue in Queue::ALL {
            let attributes = match queue {
                Queue::Ordered => json!({"FifoQueue": "true"}),
                Queue::Redriven => {
                    let policy =
                        json!({"deadLetterTargetArn": arn(Queue::Dead), "maxReceiveCount": 2});
                    json!({"RedrivePolicy": policy.to_string()})
                }
                Queue::Plain | Queue::Dead => json!({}),
            };
            self.must(
                "CreateQueue",
                &json!({"QueueName": queue.name(), "Attributes": attributes}),
            )?;
        }
        Ok(())
    }

    /// Every message of a queue, also those in flight and delayed; nothing is received by it.
    pub(crate) fn peek(&mut self, queue: Queue) -> Result<Vec<Held>> {
        let mut connection = Connection::open(self.address)?;
        let url = url(queue);
        let path = format!("/_aws/sqs/messages?QueueUrl={url}&ShowInvisible=true&ShowDelayed=true");
        let reply = connection.get(&path)?;
        ensure!(reply.status == 200, "looking at {} was answered {}", queue.name(), reply.status);
        let answer: Value = serde_json::from_slice(&reply.body)?;
        let messages = &answer["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"];
        let messages = messages.as_array().cloned().unwrap_or_default();
        let held: Vec<_> =
            messages.iter().map(|message| Held { queue, message: delivery(message) }).collect();
        let counted = self.count(queue)?;
        ensure!(
            counted == held.len(),
            "{} counts {counted} messages and shows {}",
            queue.name(),
            held.len()
        );
        Ok(held)
    }

    /// How many messages the queue says that it has.
    pub(crate) fn count(&mut self, queue: Queue) -> Result<usize> {
        self.count_at(&url(queue))
    }

    /// Makes the queue of messages that only take room.
    pub(crate) fn create_filler(&mut self) -> Result<()> {
        self.must("CreateQueue", &json!({"QueueName": FILLER})).map(drop)
    }

    pub(crate) fn send_filler(&mut self, bytes: usize) -> Answer<()> {
        let request = json!({"QueueUrl": url_of(FILLER), "MessageBody": "x".repeat(bytes)});
        self.call("SendMessage", &request).map(drop)
    }

    /// Receives one of them and deletes it, and says whether there was one.
    pub(crate) fn take_filler(&mut self) -> Answer<bool> {
        let request = json!({"QueueUrl": url_of(FILLER)});
        let answer = match self.call("ReceiveMessage", &request) {
            Answer::Done(answer) => answer,
            Answer::Refused => return Answer::Refused,
            Answer::Unknown => return Answer::Unknown,
        };
        let Some(handle) = answer["Messages"][0]["ReceiptHandle"].as_str() else {
            return Answer::Done(false);
        };
        let request = json!({"QueueUrl": url_of(FILLER), "ReceiptHandle": handle});
        self.call("DeleteMessage", &request).map(|_| true)
    }

    pub(crate) fn count_filler(&mut self) -> Result<usize> {
        self.count_at(&url_of(FILLER))
    }

    fn count_at(&mut self, url: &str) -> Result<usize> {
        let names =
            ["", "NotVisible", "Delayed"].map(|kind| format!("ApproximateNumberOfMessages{kind}"));
        let request = json!({"QueueUrl": url, "AttributeNames": names});
        let answer = self.must("GetQueueAttributes", &request)?;
        let number = |name: &String| answer["Attributes"][name].as_str()?.parse::<usize>().ok();
        names
            .iter()
            .map(number)
            .sum::<Option<_>>()
            .context("a queue does not say how many messages it has")
    }
}

impl<T> Answer<T> {
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Done(value) => Answer::Done(change(value)),
            Self::Refused => Answer::Refused,
            Self::Unknown => Answer::Unknown,
        }
    }
}

/// A message that is to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft {
    pub(crate) number: u64,
    /// About how long its body is.
    pub(crate) bytes: usize,
    pub(crate) delay_seconds: u64,
}

impl Draft {
    fn entry(&self, queue: Queue) -> Value {
        let mut entry = json!({"MessageBody": body::write(self.number, self.bytes)});
        if queue == Queue::Ordered {
            entry["MessageGroupId"] = group_of(self.number).to_string().into();
            entry["MessageDeduplicationId"] = self.number.to_string().into();
        } else {
            entry["DelaySeconds"] = self.delay_seconds.into();
        }
        entry
    }
}

fn with(entry: &Value, name: &str, value: &str) -> Value {
    let mut entry = entry.clone();
    entry[name] = value.into();
    entry
}

fn accepted(answer: &Value) -> Accepted {
    Accepted {
        message_id: text(&answer["MessageId"]),
        sequence: answer["SequenceNumber"].as_str().and_then(|number| number.parse().ok()),
    }
}

/// What came of one entry of a batch.
fn entry_of(answer: &Answer<Value>, id: &str) -> Answer<Accepted> {
    let Answer::Done(answer) = answer else {
        return answer.clone().map(|answer| accepted(&answer));
    };
    let find = |list: &str| answer[list].as_array()?.iter().find(|entry| entry["Id"] == id);
    if let Some(entry) = find("Successful") {
        return Answer::Done(accepted(entry));
    }
    let is_refused = find("Failed")
        .is_some_and(|entry| entry["SenderFault"] == true || entry["Code"] == "ServiceUnavailable");
    if is_refused { Answer::Refused } else { Answer::Unknown }
}

/// What a reply says: of the errors from within, only `ServiceUnavailable` says that nothing was done.
fn judged(reply: &Reply) -> Answer<Value> {
    let body =
        if reply.body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&reply.body) };
    let Ok(body) = body else { return Answer::Unknown };
    let is_unavailable =
        body["__type"].as_str().is_some_and(|name| name.ends_with("ServiceUnavailable"));
    match reply.status {
        200 => Answer::Done(body),
        400..500 => Answer::Refused,
        _ if is_unavailable => Answer::Refused,
        _ => Answer::Unknown,
    }
}

/// A message as it is shown. A receive has its attributes as an object, and a look at the queue as a list.
fn delivery(message: &Value) -> Delivery {
    let attribute = |name: &str| {
        let listed = message["Attributes"].as_array().into_iter().flatten();
        let listed =
            listed.filter(|pair| pair["Name"] == name).find_map(|pair| pair["Value"].as_str());
        message["Attributes"][name].as_str().or(listed).map(str::to_owned)
    };
    let count = attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    Delivery {
        number: message["Body"].as_str().and_then(body::read),
        message_id: text(&message["MessageId"]),
        receive_count: count.unwrap_or(0),
        sequence: attribute("SequenceNumber").and_then(|number| number.parse().ok()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The port is not part of it: the broker goes by account and name.
fn url(queue: Queue) -> String {
    url_of(queue.name())
}

fn url_of(name: &str) -> String {
    format!("http://localhost/000000000000/{name}")
}

fn arn(queue: Queue) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{}", queue.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Answer<Value> {
        judged(&Reply { status, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn only_what_an_answer_says_for_certain_is_certain() {
        assert_eq!(answered(200, ""), Answer::Done(Value::Null));
        assert_eq!(answered(400, "{}"), Answer::Refused);
        let unavailable = r#"{"__type":"com.amazonaws.sqs#ServiceUnavailable"}"#;
        assert_eq!(answered(503, unavailable), Answer::Refused);
        assert_eq!(answered(500, "{}"), Answer::Unknown);
        assert_eq!(answered(200, "{"), Answer::Unknown);
    }

    #[test]
    fn each_entry_of_a_batch_has_an_answer_of_its_own() {
        let batch = Answer::Done(json!({
            "Successful": [{"Id": "0", "MessageId": "m", "SequenceNumber": "7"}],
            "Failed": [{"Id": "1", "SenderFault": true}, {"Id": "2", "SenderFault": false}],
        }));
        let done = Accepted { message_id: "m".to_owned(), sequence: Some(7) };
        assert_eq!(entry_of(&batch, "0"), Answer::Done(done));
        assert_eq!(entry_of(&batch, "1"), Answer::Refused);
        assert_eq!(entry_of(&batch, "2"), Answer::Unknown);
        assert_eq!(entry_of(&batch, "3"), Answer::Unknown);
        assert_eq!(entry_of(&Answer::Refused, "0"), Answer::Refused);
    }

    #[test]
    fn attributes_are_found_in_both_forms() {
        let text = body::write(7, 10);
        let name = "ApproximateReceiveCount";
        let received = json!({"Body": text, "MessageId": "m", "Attributes": {name: "2"}});
        let shown =
            json!({"Body": text, "MessageId": "m", "Attributes": [{"Name": name, "Value": "2"}]});
        assert_eq!(delivery(&received), delivery(&shown));
        assert_eq!((delivery(&shown).number, delivery(&shown).receive_count), (Some(7), 2));
    }
}
