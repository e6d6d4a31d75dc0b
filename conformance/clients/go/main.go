// The AWS SDK for Go v2 against an SQS-compatible broker: client ENDPOINT [CASE…]
//
// It runs its cases one after the other and says of each, in one line of JSON, whether it held.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// A rule of SQS and the code that tries it, which panics where the rule does not hold.
type testCase struct {
	name string
	body func(*wire)
}

type outcome struct {
	Case   string `json:"case"`
	Ok     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func main() {
	endpoint, only := os.Args[1], os.Args[2:]
	told := json.NewEncoder(os.Stdout)
	groups := [][]testCase{queues, messages, batches, refusals, fifo, deadLetters, load, sdk}
	for _, each := range slices.Concat(groups...) {
		if len(only) > 0 && !slices.Contains(only, each.name) {
			continue
		}
		if err := told.Encode(try(each, endpoint)); err != nil {
			panic(err)
		}
	}
}

func try(each testCase, endpoint string) (said outcome) {
	w := newWire(endpoint)
	defer w.close()
	defer func() {
		if failure := recover(); failure != nil {
			said = outcome{each.name, false, fmt.Sprint(failure)}
		}
	}()
	each.body(w)
	return outcome{each.name, true, ""}
}
