package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	loadMessages  = 2000
	loadConsumers = 20
)

// Many consumers at one queue.
var load = []testCase{
	{"twenty_consumers_drain_a_queue_exactly_once", func(w *wire) {
		url := w.queue(attributes{"VisibilityTimeout": "120"})
		w.fill(url)
		var received atomic.Int64
		var distinct sync.Map
		together(loadConsumers, func() {
			for received.Load() < loadMessages {
				batch := w.receive(url, func(asked *sqs.ReceiveMessageInput) { asked.WaitTimeSeconds = 1 })
				for _, body := range bodies(batch) {
					_, again := distinct.LoadOrStore(body, true)
					truly(!again, body+" came once")
				}
				received.Add(int64(len(batch)))
				if len(batch) > 0 {
					w.remove(url, batch)
				}
			}
		})
		same(received.Load(), int64(loadMessages))
		same(w.counts(url), [3]int{0, 0, 0})
	}},
}

func (w *wire) fill(url string) {
	var next atomic.Int64
	together(loadConsumers, func() {
		for first := next.Add(10); first <= loadMessages; first = next.Add(10) {
			entries := []types.SendMessageBatchRequestEntry{}
			for n := first - 10; n < first; n++ {
				entries = append(entries, entry(fmt.Sprint(n), fmt.Sprint(n)))
			}
			same(len(must(w.sendBatch(url, entries...)).Successful), 10)
		}
	})
}
