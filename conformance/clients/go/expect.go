package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// fail ends the case, and says from which line it was called, `depth` functions up.
func fail(depth int, format string, values ...any) {
	_, file, line, _ := runtime.Caller(depth + 1)
	panic(fmt.Sprintf("%s:%d: %s", filepath.Base(file), line, fmt.Sprintf(format, values...)))
}

// must is the value of a call that must succeed.
func must[T any](value T, err error) T {
	if err != nil {
		fail(1, "%v", err)
	}
	return value
}

func same(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		fail(1, "%+v, but wanted %+v", got, wanted)
	}
}

func truly(held bool, what string) {
	if !held {
		fail(1, "not so: %s", what)
	}
}

// refused demands an error of type E with this code and HTTP status. An E of smithy.APIError stands for codes that the
// SDK has no type of its own for.
func refused[E smithy.APIError](code string, status int) func(any, error) {
	return func(_ any, err error) {
		var typed E
		var response *awshttp.ResponseError
		if !errors.As(err, &typed) || !errors.As(err, &response) {
			fail(1, "%T %v, but wanted %s", err, err, code)
		}
		if typed.ErrorCode() != code || response.HTTPStatusCode() != status {
			fail(1, "%s with %d, but wanted %s with %d", typed.ErrorCode(), response.HTTPStatusCode(), code, status)
		}
	}
}

// together runs the body in so many goroutines and waits for all; the first to fail fails the case.
func together(count int, body func()) {
	var running sync.WaitGroup
	failures := make(chan any, count)
	for range count {
		running.Add(1)
		go func() {
			defer running.Done()
			defer func() {
				if failure := recover(); failure != nil {
					failures <- failure
				}
			}()
			body()
		}()
	}
	running.Wait()
	select {
	case failure := <-failures:
		panic(failure)
	default:
	}
}
