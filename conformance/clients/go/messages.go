package main

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const (
	trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	body  = "žluťoučký 🐎\r\n\t<&>\"' 日本語 \U0010FFFF"
)

type messageAttributes = map[string]types.MessageAttributeValue

func text(kind, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
}

func bytes(kind string, value []byte) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, BinaryValue: value}
}

func everyKind() messageAttributes {
	all := make([]byte, 256)
	for n := range all {
		all[n] = byte(n)
	}
	return messageAttributes{
		"text":        text("String", "hodnota 🙂"),
		"text.custom": text("String.custom", "x"),
		"number":      text("Number", "-3.14000"),
		"number.long": text("Number.java.lang.Long", "1493147359900"),
		"bytes":       bytes("Binary", all),
		"bytes.png":   bytes("Binary.png", []byte{0, 1, 255}),
	}
}

// md5OfAttributes is the digest as SQS defines it, made apart from both the SDK and the broker.
func md5OfAttributes(of messageAttributes) string {
	var told []byte
	part := func(content []byte) {
		told = binary.BigEndian.AppendUint32(told, uint32(len(content)))
		told = append(told, content...)
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		value := of[name]
		part([]byte(name))
		part([]byte(*value.DataType))
		if strings.HasPrefix(*value.DataType, "Binary") {
			told = append(told, 2)
			part(value.BinaryValue)
		} else {
			told = append(told, 1)
			part([]byte(*value.StringValue))
		}
	}
	return md5Of(told)
}

func md5Of(content []byte) string {
	digest := md5.Sum(content)
	return hex.EncodeToString(digest[:])
}

// One message: sent, received with all that it bore, hidden, shown again, deleted.
var messages = []testCase{
	{"a_message_keeps_its_body_and_every_attribute", func(w *wire) {
		url := w.queue(nil)
		header := map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(trace)},
		}
		sent := must(w.SendMessage(w.ctx, &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: aws.String(body), MessageAttributes: everyKind(), MessageSystemAttributes: header,
		}))
		same(*sent.MD5OfMessageBody, md5Of([]byte(body)))
		same(*sent.MD5OfMessageAttributes, md5OfAttributes(everyKind()))
		same(*sent.MD5OfMessageSystemAttributes, "5ae4d5d7636402d80f4eb6d213245a88")
		same(sent.SequenceNumber, (*string)(nil))
		received := w.receive(url, nil)
		same(bodies(received), []string{body})
		message := received[0]
		same(*message.MessageId, *sent.MessageId)
		same(*message.MD5OfBody, md5Of([]byte(body)))
		same(message.MessageAttributes, everyKind())
		same(*message.MD5OfMessageAttributes, md5OfAttributes(everyKind()))
		same(slices.Sorted(maps.Keys(message.Attributes)), []string{
			"AWSTraceHeader", "ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp",
		})
		same(message.Attributes["AWSTraceHeader"], trace)
		same(message.Attributes["ApproximateReceiveCount"], "1")
		at := time.UnixMilli(must(strconv.ParseInt(message.Attributes["SentTimestamp"], 10, 64)))
		truly(time.Since(at).Abs() < time.Minute, "it was sent now")
	}},

	{"only_the_attributes_asked_for_come", func(w *wire) {
		url := w.queue(nil)
		must(w.SendMessage(w.ctx, &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: aws.String("x"),
			MessageAttributes: messageAttributes{
				"General": text("String", "Kenobi"), "Hello": text("String", "There"), "Help.Me": text("String", "Me"),
			},
		}))
		seen := func(digest string, wanted []string, names ...string) {
			message := w.receive(url, func(asked *sqs.ReceiveMessageInput) {
				asked.MessageAttributeNames = names
				asked.MessageSystemAttributeNames = []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSenderId}
			})[0]
			same(slices.Collect(maps.Keys(message.Attributes)), []string{"SenderId"})
			same(slices.Sorted(maps.Keys(message.MessageAttributes)), wanted)
			same(aws.ToString(message.MD5OfMessageAttributes), digest)
			must(w.hide(url, message, 0))
		}
		seen("4c360f3fdafd970e05fae2f149d997f5", []string{"General", "Hello", "Help.Me"}, "All")
		seen("83fee93c1bcd8b9a5a923ffacdc636c7", []string{"Hello", "Help.Me"}, "Hel.*")
		seen("a311262e065454b75da111d535b8dacd", []string{"Hello"}, "Hello", "none")
		seen("", nil, "none")
	}},

	{"a_mebibyte_fits_and_one_byte_more_does_not", func(w *wire) {
		url := w.queue(nil)
		large := strings.Repeat("é", 512*1024)
		w.send(url, large)
		truly(*w.receive(url, nil)[0].Body == large, "the body is the same")
		larger := large + "x"
		message := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &larger}
		refused[smithy.APIError]("InvalidParameterValue", 400)(w.SendMessage(w.ctx, message))
	}},

	{"visibility_ends_and_is_changed", func(w *wire) {
		url := w.queue(nil)
		w.send(url, "x")
		first := w.receive(url, func(asked *sqs.ReceiveMessageInput) { asked.VisibilityTimeout = 1 })[0]
		same(bodies(w.receive(url, nil)), []string{})
		second := w.receive(url, patient)[0]
		truly(*first.ReceiptHandle != *second.ReceiptHandle, "each receive has a handle of its own")
		must(w.hide(url, second, 40))
		same(w.counts(url), [3]int{0, 1, 0})
		must(w.hide(url, second, 0))
		third := w.receive(url, nil)[0]
		same(*third.MessageId, *first.MessageId)
		same(third.Attributes["ApproximateReceiveCount"], "3")
		for range 2 {
			must(w.DeleteMessage(w.ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: third.ReceiptHandle}))
		}
		same(w.counts(url), [3]int{0, 0, 0})
	}},

	{"a_delayed_message_comes_when_its_delay_ends", func(w *wire) {
		url := w.queue(nil)
		begun := time.Now()
		must(w.SendMessage(w.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), DelaySeconds: 1}))
		same(w.counts(url), [3]int{0, 0, 1})
		same(bodies(w.receive(url, nil)), []string{})
		same(bodies(w.receive(url, patient)), []string{"x"})
		took := time.Since(begun)
		truly(took >= time.Second && took < 5*time.Second, took.String())
	}},

	{"a_long_poll_is_woken_by_a_send", func(w *wire) {
		url := w.queue(attributes{"ReceiveMessageWaitTimeSeconds": "20"})
		begun := time.Now()
		sending := time.AfterFunc(300*time.Millisecond, func() {
			_, _ = w.SendMessage(w.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("awaited")})
		})
		defer sending.Stop()
		same(bodies(w.receive(url, nil)), []string{"awaited"})
		took := time.Since(begun)
		truly(took < 5*time.Second, took.String())
	}},

	{"a_long_poll_without_messages_ends_in_time", func(w *wire) {
		url := w.queue(nil)
		begun := time.Now()
		same(bodies(w.receive(url, func(asked *sqs.ReceiveMessageInput) { asked.WaitTimeSeconds = 1 })), []string{})
		took := time.Since(begun)
		truly(took >= 950*time.Millisecond && took < 4*time.Second, took.String())
	}},

	{"a_purge_takes_every_message", func(w *wire) {
		url := w.queue(nil)
		for _, delay := range []int32{0, 0, 60} {
			must(w.SendMessage(w.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), DelaySeconds: delay}))
		}
		w.receive(url, func(asked *sqs.ReceiveMessageInput) { asked.MaxNumberOfMessages = 1 })
		same(w.counts(url), [3]int{1, 1, 1})
		must(w.PurgeQueue(w.ctx, &sqs.PurgeQueueInput{QueueUrl: &url}))
		same(w.counts(url), [3]int{0, 0, 0})
	}},
}

// hide changes for how many seconds from now a received message is not visible.
func (w *wire) hide(url string, message types.Message, seconds int32) (*sqs.ChangeMessageVisibilityOutput, error) {
	return w.ChangeMessageVisibility(w.ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: seconds,
	})
}
