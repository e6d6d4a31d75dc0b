package main

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// FIFO queues: order within a group, locked groups, deduplication, sequence numbers.
var fifo = []testCase{
	{"a_fifo_queue_keeps_order_and_locks_groups", func(w *wire) {
		url := w.fifo(nil)
		entries := []types.SendMessageBatchRequestEntry{}
		for _, name := range []string{"a1", "b1", "a2", "a3"} {
			each := entry(name, name)
			each.MessageGroupId, each.MessageDeduplicationId = aws.String(name[:1]), aws.String(name)
			entries = append(entries, each)
		}
		numbers := []string{}
		for _, each := range must(w.sendBatch(url, entries...)).Successful {
			numbers = append(numbers, *each.SequenceNumber)
		}
		same([]int{len(numbers), len(numbers[0])}, []int{4, 20})
		same(numbers, slices.Compact(slices.Sorted(slices.Values(numbers))))
		first := w.receive(url, func(asked *sqs.ReceiveMessageInput) { asked.MaxNumberOfMessages = 2 })
		same(bodies(first), []string{"a1", "a2"})
		second := first[1].Attributes
		same([]string{second["MessageGroupId"], second["MessageDeduplicationId"]}, []string{"a", "a2"})
		same(second["SequenceNumber"], numbers[2])
		same(bodies(w.receive(url, nil)), []string{"b1"})
		w.remove(url, first[:1])
		same(bodies(w.receive(url, nil)), []string{})
		w.remove(url, first[1:])
		same(bodies(w.receive(url, patient)), []string{"a3"})
	}},

	{"a_fifo_queue_takes_a_message_once", func(w *wire) {
		url := w.fifo(nil)
		send := func(body string, group, deduplication *string) (*sqs.SendMessageOutput, error) {
			return w.SendMessage(w.ctx, &sqs.SendMessageInput{
				QueueUrl: &url, MessageBody: &body, MessageGroupId: group, MessageDeduplicationId: deduplication,
			})
		}
		g, h, d := aws.String("g"), aws.String("h"), aws.String("d")
		first, again := must(send("x", g, d)), must(send("other", h, d))
		same([]string{*again.MessageId, *again.SequenceNumber}, []string{*first.MessageId, *first.SequenceNumber})
		messages := w.receive(url, nil)
		same(bodies(messages), []string{"x"})
		w.remove(url, messages)
		same(*must(send("x", g, d)).MessageId, *first.MessageId)
		same(bodies(w.receive(url, nil)), []string{})
		refused[smithy.APIError]("InvalidParameterValue", 400)(send("x", g, nil))
		refused[smithy.APIError]("MissingParameter", 400)(send("x", nil, h))
	}},

	{"the_content_can_be_the_deduplication_id", func(w *wire) {
		url := w.fifo(attributes{"ContentBasedDeduplication": "true"})
		ids := []string{}
		for _, body := range []string{"x", "y", "x"} {
			message := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: aws.String("g")}
			ids = append(ids, *must(w.SendMessage(w.ctx, message)).MessageId)
		}
		same(ids[2], ids[0])
		received := w.receive(url, nil)
		same(bodies(received), []string{"x", "y"})
		digest := sha256.Sum256([]byte("x"))
		same(received[0].Attributes["MessageDeduplicationId"], hex.EncodeToString(digest[:]))
	}},
}
