package main

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// What is about this SDK: that it checks digests; and, as the last case, that those before it called all there is.
var sdk = []testCase{
	{"the_sdk_would_notice_a_wrong_digest", func(w *wire) {
		url := w.queue(nil)
		deceived := client(w.endpoint, func(options *sqs.Options) { options.APIOptions = append(options.APIOptions, falsify) })
		_, err := deceived.SendMessage(w.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
		truly(err != nil && strings.Contains(err.Error(), "checksum"), "the send fails for its digest")
	}},

	{"every_operation_was_called", func(*wire) {
		names := []string{}
		called.Range(func(name, _ any) bool {
			names = append(names, name.(string))
			return true
		})
		slices.Sort(names)
		same(names, []string{
			"AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "CreateQueue",
			"DeleteMessage", "DeleteMessageBatch", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl",
			"ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueueTags", "ListQueues", "PurgeQueue",
			"ReceiveMessage", "RemovePermission", "SendMessage", "SendMessageBatch", "SetQueueAttributes",
			"StartMessageMoveTask", "TagQueue", "UntagQueue",
		})
	}},
}

// falsify puts a wrong digest into replies, beneath where the SDK looks at them.
func falsify(stack *middleware.Stack) error {
	change := func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		middleware.DeserializeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if sent, ok := out.Result.(*sqs.SendMessageOutput); ok {
			sent.MD5OfMessageBody = aws.String(strings.Repeat("0", 32))
		}
		return out, metadata, err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Falsify", change), middleware.Before)
}
