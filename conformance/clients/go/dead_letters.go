package main

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// What cannot be handled goes to its dead-letter queue, and comes back from there.
var deadLetters = []testCase{
	{"what_is_received_too_often_becomes_a_dead_letter", func(w *wire) {
		dead, source := w.pair()
		sent := must(w.SendMessage(w.ctx, &sqs.SendMessageInput{
			QueueUrl: &source, MessageBody: aws.String("poison"), MessageAttributes: messageAttributes{"k": text("String", "x")},
		}))
		same(bodies(w.receive(source, nil)), []string{"poison"})
		same(bodies(w.receive(source, nil)), []string{})
		letter := w.receive(dead, nil)[0]
		same(*letter.MessageId, *sent.MessageId)
		same(*letter.MD5OfMessageAttributes, "a45daa70926828a2f0a1db3418e6feb4")
		same(letter.Attributes["ApproximateReceiveCount"], "2")
		same(letter.Attributes["DeadLetterQueueSourceArn"], arn(named(source)))
	}},

	{"dead_letters_are_moved_back", func(w *wire) {
		dead, source := w.pair()
		w.bury(dead, source, 3)
		from := aws.String(arn(named(dead)))
		must(w.StartMessageMoveTask(w.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: from}))
		task := w.lastMove(from)
		for aws.ToString(task.Status) == "RUNNING" {
			time.Sleep(50 * time.Millisecond)
			task = w.lastMove(from)
		}
		same(*task.Status, "COMPLETED")
		same([]int64{task.ApproximateNumberOfMessagesMoved, *task.ApproximateNumberOfMessagesToMove}, []int64{3, 3})
		same(task.DestinationArn, (*string)(nil))
		truly(time.Since(time.UnixMilli(task.StartedTimestamp)).Abs() < time.Minute, "it was started now")
		back := w.receive(source, nil)
		same(len(back), 3)
		same(back[0].Attributes["ApproximateReceiveCount"], "1")
	}},

	{"a_move_of_dead_letters_is_cancelled", func(w *wire) {
		dead, source := w.pair()
		w.bury(dead, source, 10)
		from, to := aws.String(arn(named(dead))), aws.String(arn(named(w.queue(nil))))
		slowly := &sqs.StartMessageMoveTaskInput{SourceArn: from, DestinationArn: to, MaxNumberOfMessagesPerSecond: aws.Int32(1)}
		started := must(w.StartMessageMoveTask(w.ctx, slowly))
		second := &sqs.StartMessageMoveTaskInput{SourceArn: from}
		refused[smithy.APIError]("InvalidParameterValue", 400)(w.StartMessageMoveTask(w.ctx, second))
		running := w.lastMove(from)
		same(*running.Status, "RUNNING")
		same([]string{*running.TaskHandle, *running.DestinationArn}, []string{*started.TaskHandle, *to})
		same(*running.MaxNumberOfMessagesPerSecond, int32(1))
		cancel := &sqs.CancelMessageMoveTaskInput{TaskHandle: started.TaskHandle}
		truly(must(w.CancelMessageMoveTask(w.ctx, cancel)).ApproximateNumberOfMessagesMoved < 10, "it was not over")
		unknown := fmt.Sprintf(`{"taskId":"00000000-0000-4000-8000-000000000000","sourceArn":"%s"}`, *from)
		none := &sqs.CancelMessageMoveTaskInput{TaskHandle: aws.String(base64.StdEncoding.EncodeToString([]byte(unknown)))}
		refused[*types.ResourceNotFoundException]("ResourceNotFoundException", 404)(w.CancelMessageMoveTask(w.ctx, none))
	}},
}

// pair makes a dead-letter queue and a queue whose messages go there when one receive was not enough.
func (w *wire) pair() (dead, source string) {
	dead = w.queue(nil)
	return dead, w.queue(attributes{"RedrivePolicy": redrive(dead, 1), "VisibilityTimeout": "0"})
}

// bury sends so many messages, ten at most, and receives them until all are dead letters.
func (w *wire) bury(dead, source string, count int) {
	entries := []types.SendMessageBatchRequestEntry{}
	for n := range count {
		entries = append(entries, entry(fmt.Sprint(n), fmt.Sprint(n)))
	}
	must(w.sendBatch(source, entries...))
	for w.counts(dead)[0] < count {
		w.receive(source, nil)
	}
}

func (w *wire) lastMove(from *string) types.ListMessageMoveTasksResultEntry {
	return must(w.ListMessageMoveTasks(w.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: from})).Results[0]
}
