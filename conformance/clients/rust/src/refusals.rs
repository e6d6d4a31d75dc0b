//! Refusals arrive as variants of the operation's own error, with the codes of SQS.

use anyhow::Result;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::MessageAttributeValue;

use crate::expect::{refused, same, unmodelled};
use crate::wire::{Wire, arn, new_name};

pub async fn a_missing_queue_is_an_exception_of_its_own(wire: &Wire) -> Result<()> {
    let url = format!("{}/000000000000/{}", wire.endpoint, new_name("none"));
    let gone = "AWS.SimpleQueueService.NonExistentQueue";
    let sent = wire.sqs.send_message().queue_url(&url).message_body("x").send().await;
    let text = sent.as_ref().err().and_then(ProvideErrorMetadata::message);
    same(text, Some("The specified queue does not exist."))?;
    refused(sent, |e| e.is_queue_does_not_exist(), gone, 400)?;
    refused(wire.asking(&url).send().await, |e| e.is_queue_does_not_exist(), gone, 400)?;
    let read = wire.sqs.get_queue_attributes().queue_url(&url).send().await;
    refused(read, |e| e.is_queue_does_not_exist(), gone, 400)
}

pub async fn a_bad_receipt_handle_is_an_exception_of_its_own(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let code = "ReceiptHandleIsInvalid";
    let delete = wire.sqs.delete_message().queue_url(&url).receipt_handle("garbage");
    refused(delete.send().await, |e| e.is_receipt_handle_is_invalid(), code, 404)?;
    let hide = wire.sqs.change_message_visibility().queue_url(&url).receipt_handle("garbage");
    let hidden = hide.visibility_timeout(1).send().await;
    refused(hidden, |e| e.is_receipt_handle_is_invalid(), code, 404)
}

pub async fn refusals_bear_the_codes_of_sqs(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let send = |body: &str| wire.sqs.send_message().queue_url(&url).message_body(body);
    let bell = send("bell \u{7}").send().await;
    refused(bell, |e| e.is_invalid_message_contents(), "InvalidMessageContents", 400)?;
    let late = send("x").delay_seconds(901).send().await;
    refused(late, unmodelled, "InvalidParameterValue", 400)?;
    refused(send("").send().await, unmodelled, "MissingParameter", 400)?;
    let list = MessageAttributeValue::builder().data_type("String").string_value("x");
    let list = send("x").message_attributes("l", list.string_list_values("a").build()?);
    let code = "AWS.SimpleQueueService.UnsupportedOperation";
    refused(list.send().await, |e| e.is_unsupported_operation(), code, 400)?;
    let eleven = wire.asking(&url).max_number_of_messages(11).send().await;
    refused(eleven, unmodelled, "InvalidParameterValue", 400)?;
    let colour = wire.sqs.get_queue_attributes().queue_url(&url).attribute_names("Colour".into());
    let code = "InvalidAttributeName";
    refused(colour.send().await, |e| e.is_invalid_attribute_name(), code, 400)?;
    let nowhere =
        wire.sqs.start_message_move_task().source_arn(arn(&new_name("none"))).send().await;
    let code = "ResourceNotFoundException";
    refused(nowhere, |e| e.is_resource_not_found_exception(), code, 404)
}
