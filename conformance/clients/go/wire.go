package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
)

const region = "us-east-1"

// The names of all operations that any client here has called.
var called sync.Map

// What a case has at hand: a client that never retries, and queues of its own, which go when the case ends.
type wire struct {
	*sqs.Client
	ctx      context.Context
	endpoint string
	made     []string
}

func newWire(endpoint string) *wire {
	return &wire{Client: client(endpoint), ctx: context.Background(), endpoint: endpoint}
}

// client is a client of the broker, with further options.
func client(endpoint string, options ...func(*sqs.Options)) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      aws.NopRetryer{},
		APIOptions:   []func(*middleware.Stack) error{note},
	}, options...)
}

func note(stack *middleware.Stack) error {
	remember := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
		middleware.InitializeOutput, middleware.Metadata, error,
	) {
		called.Store(awsmiddleware.GetOperationName(ctx), true)
		return next.HandleInitialize(ctx, in)
	}
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Note", remember), middleware.After)
}

func newName(stem string) string {
	return stem + "-" + strings.ToLower(rand.Text()[:12])
}

func arn(name string) string {
	return "arn:aws:sqs:" + region + ":000000000000:" + name
}

// named is the last part of a queue's URL.
func named(url string) string {
	return url[strings.LastIndex(url, "/")+1:]
}

type attributes map[string]string

// queue makes a queue and returns its URL.
func (w *wire) queue(wanted attributes) string {
	return w.queueNamed(newName("go"), wanted)
}

func (w *wire) fifo(wanted attributes) string {
	with := attributes{"FifoQueue": "true"}
	for name, value := range wanted {
		with[name] = value
	}
	return w.queueNamed(newName("go")+".fifo", with)
}

func (w *wire) queueNamed(name string, wanted attributes) string {
	made := must(w.CreateQueue(w.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: wanted}))
	w.made = append(w.made, *made.QueueUrl)
	return *made.QueueUrl
}

func (w *wire) close() {
	for _, url := range w.made {
		_, _ = w.DeleteQueue(w.ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	}
}

func (w *wire) send(url, body string) *sqs.SendMessageOutput {
	return must(w.SendMessage(w.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}))
}

// asking is a receive of ten messages at most with all their attributes, which `change` may alter.
func asking(url string, change func(*sqs.ReceiveMessageInput)) *sqs.ReceiveMessageInput {
	asked := &sqs.ReceiveMessageInput{
		QueueUrl:                    &url,
		MaxNumberOfMessages:         10,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	if change != nil {
		change(asked)
	}
	return asked
}

func (w *wire) receive(url string, change func(*sqs.ReceiveMessageInput)) []types.Message {
	return must(w.ReceiveMessage(w.ctx, asking(url, change))).Messages
}

// patient waits for messages.
func patient(asked *sqs.ReceiveMessageInput) { asked.WaitTimeSeconds = 10 }

func bodies(messages []types.Message) []string {
	all := []string{}
	for _, each := range messages {
		all = append(all, *each.Body)
	}
	return all
}

// remove deletes received messages, all of them.
func (w *wire) remove(url string, messages []types.Message) {
	entries := []types.DeleteMessageBatchRequestEntry{}
	for _, each := range messages {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: each.MessageId, ReceiptHandle: each.ReceiptHandle})
	}
	reply := must(w.DeleteMessageBatch(w.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}))
	same([]int{len(reply.Successful), len(reply.Failed)}, []int{len(messages), 0})
}

// attributesOf reads the attributes named, or all.
func (w *wire) attributesOf(url string, names ...string) map[string]string {
	asked := []types.QueueAttributeName{}
	for _, name := range names {
		asked = append(asked, types.QueueAttributeName(name))
	}
	if len(asked) == 0 {
		asked = []types.QueueAttributeName{types.QueueAttributeNameAll}
	}
	return must(w.GetQueueAttributes(w.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: asked})).Attributes
}

func (w *wire) set(url string, wanted attributes) (*sqs.SetQueueAttributesOutput, error) {
	return w.SetQueueAttributes(w.ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: wanted})
}

// counts is how many messages are available, in flight and delayed.
func (w *wire) counts(url string) [3]int {
	const stem = "ApproximateNumberOfMessages"
	names := []string{stem, stem + "NotVisible", stem + "Delayed"}
	read := w.attributesOf(url, names...)
	var all [3]int
	for index, name := range names {
		all[index] = must(strconv.Atoi(read[name]))
	}
	return all
}

// redrive is a redrive policy to the dead-letter queue with this URL.
func redrive(dead string, receives int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":%d}`, arn(named(dead)), receives)
}
