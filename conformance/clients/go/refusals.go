package main

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// Refusals arrive as the SDK's own error types, with the codes of SQS.
var refusals = []testCase{
	{"a_missing_queue_is_an_exception_of_its_own", func(w *wire) {
		url := w.endpoint + "/000000000000/" + newName("none")
		gone := refused[*types.QueueDoesNotExist](nonExistent, 400)
		_, err := w.SendMessage(w.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
		gone(nil, err)
		truly(strings.HasSuffix(err.Error(), ": The specified queue does not exist."), err.Error())
		gone(w.ReceiveMessage(w.ctx, asking(url, nil)))
		gone(w.GetQueueAttributes(w.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url}))
	}},

	{"a_bad_receipt_handle_is_an_exception_of_its_own", func(w *wire) {
		url, garbage := w.queue(nil), aws.String("garbage")
		bad := refused[*types.ReceiptHandleIsInvalid]("ReceiptHandleIsInvalid", 404)
		bad(w.DeleteMessage(w.ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: garbage}))
		bad(w.hide(url, types.Message{ReceiptHandle: garbage}, 1))
	}},

	{"refusals_bear_the_codes_of_sqs", func(w *wire) {
		url := w.queue(nil)
		send := func(change func(*sqs.SendMessageInput)) (*sqs.SendMessageOutput, error) {
			message := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")}
			change(message)
			return w.SendMessage(w.ctx, message)
		}
		bell := func(message *sqs.SendMessageInput) { message.MessageBody = aws.String("bell \a") }
		refused[*types.InvalidMessageContents]("InvalidMessageContents", 400)(send(bell))
		late := func(message *sqs.SendMessageInput) { message.DelaySeconds = 901 }
		refused[smithy.APIError]("InvalidParameterValue", 400)(send(late))
		empty := func(message *sqs.SendMessageInput) { message.MessageBody = aws.String("") }
		refused[smithy.APIError]("MissingParameter", 400)(send(empty))
		list := func(message *sqs.SendMessageInput) {
			value := text("String", "x")
			value.StringListValues = []string{"a"}
			message.MessageAttributes = messageAttributes{"l": value}
		}
		refused[*types.UnsupportedOperation]("AWS.SimpleQueueService.UnsupportedOperation", 400)(send(list))
		eleven := asking(url, func(asked *sqs.ReceiveMessageInput) { asked.MaxNumberOfMessages = 11 })
		refused[smithy.APIError]("InvalidParameterValue", 400)(w.ReceiveMessage(w.ctx, eleven))
		colour := &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"Colour"}}
		refused[*types.InvalidAttributeName]("InvalidAttributeName", 400)(w.GetQueueAttributes(w.ctx, colour))
		nowhere := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn(newName("none")))}
		refused[*types.ResourceNotFoundException]("ResourceNotFoundException", 404)(w.StartMessageMoveTask(w.ctx, nowhere))
	}},
}
