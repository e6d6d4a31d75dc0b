package main

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Batches: each entry has its own fate, and a batch of a wrong shape has none.
var batches = []testCase{
	{"a_batch_fails_entry_by_entry", func(w *wire) {
		url := w.queue(nil)
		number := messageAttributes{"n": text("Number", "1")}
		good, fine := entry("good", "ěšč"), entry("fine", "second")
		good.MessageAttributes = number
		characters, wrong := entry("characters", "bell \a"), entry("number", "x")
		wrong.MessageAttributes = messageAttributes{"n": text("Number", "one")}
		sent := must(w.sendBatch(url, good, characters, wrong, fine))
		same(len(sent.Successful), 2)
		same(*sent.Successful[0].Id+*sent.Successful[1].Id, "goodfine")
		same(*sent.Successful[0].MD5OfMessageBody, md5Of([]byte("ěšč")))
		same(*sent.Successful[0].MD5OfMessageAttributes, md5OfAttributes(number))
		same(failures(sent.Failed), []string{"characters InvalidMessageContents", "number InvalidParameterValue"})
		received := w.receive(url, nil)
		same(bodies(received), []string{"ěšč", "second"})
		receiptsFailOneByOne(w, url, received[0].ReceiptHandle, received[1].ReceiptHandle)
	}},

	{"a_batch_of_a_wrong_shape_is_refused_whole", func(w *wire) {
		url := w.queue(nil)
		entries := func(names ...string) []types.SendMessageBatchRequestEntry {
			all := []types.SendMessageBatchRequestEntry{}
			for _, name := range names {
				all = append(all, entry(name, "x"))
			}
			return all
		}
		const prefix = "AWS.SimpleQueueService."
		refused[*types.EmptyBatchRequest](prefix+"EmptyBatchRequest", 400)(w.sendBatch(url, entries()...))
		eleven := entries(strings.Split("abcdefghijk", "")...)
		refused[*types.TooManyEntriesInBatchRequest](prefix+"TooManyEntriesInBatchRequest", 400)(w.sendBatch(url, eleven...))
		twice := entries("a", "b", "a")
		refused[*types.BatchEntryIdsNotDistinct](prefix+"BatchEntryIdsNotDistinct", 400)(w.sendBatch(url, twice...))
		refused[*types.InvalidBatchEntryId](prefix+"InvalidBatchEntryId", 400)(w.sendBatch(url, entries("not:one")...))
		half := strings.Repeat("x", 512*1024)
		long := []types.SendMessageBatchRequestEntry{entry("a", half), entry("b", half+"x")}
		refused[*types.BatchRequestTooLong](prefix+"BatchRequestTooLong", 400)(w.sendBatch(url, long...))
		none := &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{}}
		refused[*types.EmptyBatchRequest](prefix+"EmptyBatchRequest", 400)(w.DeleteMessageBatch(w.ctx, none))
		same(w.counts(url), [3]int{0, 0, 0})
	}},
}

func receiptsFailOneByOne(w *wire, url string, shown, hidden *string) {
	garbage := aws.String("garbage")
	changed := must(w.ChangeMessageVisibilityBatch(w.ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &url,
		Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("shown"), ReceiptHandle: shown, VisibilityTimeout: 0},
			{Id: aws.String("garbage"), ReceiptHandle: garbage, VisibilityTimeout: 1},
			{Id: aws.String("long"), ReceiptHandle: hidden, VisibilityTimeout: 43201},
		},
	}))
	same(failures(changed.Failed), []string{"garbage ReceiptHandleIsInvalid", "long InvalidParameterValue"})
	deleted := must(w.DeleteMessageBatch(w.ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: &url,
		Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("garbage"), ReceiptHandle: garbage},
			{Id: aws.String("a"), ReceiptHandle: shown},
			{Id: aws.String("b"), ReceiptHandle: hidden},
		},
	}))
	same([]int{len(changed.Successful), len(deleted.Successful)}, []int{1, 2})
	same(failures(deleted.Failed), []string{"garbage ReceiptHandleIsInvalid"})
	same(w.counts(url), [3]int{0, 0, 0})
}

func entry(id, body string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
}

func (w *wire) sendBatch(url string, entries ...types.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
	if entries == nil {
		entries = []types.SendMessageBatchRequestEntry{}
	}
	return w.SendMessageBatch(w.ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
}

// failures are the ids and codes of the entries that failed, each by the sender's fault.
func failures(failed []types.BatchResultErrorEntry) []string {
	all := []string{}
	for _, each := range failed {
		truly(each.SenderFault, "the sender is at fault")
		all = append(all, *each.Id+" "+*each.Code)
	}
	return all
}
