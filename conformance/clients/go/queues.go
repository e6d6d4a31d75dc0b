package main

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const nonExistent = "AWS.SimpleQueueService.NonExistentQueue"

// Queues: their life, attributes, tags, permissions, and lists of them.
var queues = []testCase{
	{"queues_are_made_found_and_deleted", func(w *wire) {
		url := w.queue(attributes{"VisibilityTimeout": "45"})
		name := named(url)
		again := func(wanted attributes) (*sqs.CreateQueueOutput, error) {
			return w.CreateQueue(w.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: wanted})
		}
		same(*must(again(nil)).QueueUrl, url)
		same(*must(again(attributes{"VisibilityTimeout": "45"})).QueueUrl, url)
		refused[*types.QueueNameExists]("QueueAlreadyExists", 400)(again(attributes{"VisibilityTimeout": "46"}))
		found := func() (*sqs.GetQueueUrlOutput, error) {
			return w.GetQueueUrl(w.ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		}
		same(*must(found()).QueueUrl, url)
		must(w.DeleteQueue(w.ctx, &sqs.DeleteQueueInput{QueueUrl: &url}))
		refused[*types.QueueDoesNotExist](nonExistent, 400)(found())
	}},

	{"queue_attributes_are_kept", func(w *wire) {
		url := w.queue(attributes{"DelaySeconds": "3", "MessageRetentionPeriod": "120"})
		made := w.attributesOf(url)
		same(made["QueueArn"], arn(named(url)))
		same([]string{made["DelaySeconds"], made["MessageRetentionPeriod"], made["VisibilityTimeout"]}, []string{"3", "120", "30"})
		same(len(made), 12)
		changed := attributes{"DelaySeconds": "0", "VisibilityTimeout": "7", "MaximumMessageSize": "2048"}
		must(w.set(url, changed))
		same(attributes(w.attributesOf(url, "DelaySeconds", "VisibilityTimeout", "MaximumMessageSize")), changed)
		refused[*types.InvalidAttributeName]("InvalidAttributeName", 400)(w.set(url, attributes{"Colour": "red"}))
		refused[*types.InvalidAttributeValue]("InvalidAttributeValue", 400)(w.set(url, attributes{"DelaySeconds": "901"}))
		same(w.attributesOf(url, "DelaySeconds")["DelaySeconds"], "0")
	}},

	{"tags_are_kept", func(w *wire) {
		url := w.queue(nil)
		tags := func() map[string]string {
			return must(w.ListQueueTags(w.ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})).Tags
		}
		same(len(tags()), 0)
		tag := func(wanted map[string]string) {
			must(w.TagQueue(w.ctx, &sqs.TagQueueInput{QueueUrl: &url, Tags: wanted}))
		}
		tag(map[string]string{"team": "a", "Team": "", "ключ": "значение"})
		tag(map[string]string{"team": "b"})
		same(tags(), map[string]string{"team": "b", "Team": "", "ключ": "значение"})
		must(w.UntagQueue(w.ctx, &sqs.UntagQueueInput{QueueUrl: &url, TagKeys: []string{"team", "ключ", "none"}}))
		same(tags(), map[string]string{"Team": ""})
	}},

	{"queues_are_listed_page_by_page", func(w *wire) {
		prefix := newName("page")
		made := []string{}
		for n := range 5 {
			made = append(made, w.queueNamed(fmt.Sprintf("%s-%d", prefix, n), nil))
		}
		pages := [][]string{}
		all := sqs.NewListQueuesPaginator(w, &sqs.ListQueuesInput{QueueNamePrefix: &prefix},
			func(options *sqs.ListQueuesPaginatorOptions) { options.Limit = 2 })
		for all.HasMorePages() {
			pages = append(pages, must(all.NextPage(w.ctx)).QueueUrls)
		}
		same(pages, [][]string{made[:2], made[2:4], made[4:]})
		whole := must(w.ListQueues(w.ctx, &sqs.ListQueuesInput{QueueNamePrefix: &prefix}))
		same(whole.QueueUrls, made)
		same(whole.NextToken, (*string)(nil))
	}},

	{"sources_of_dead_letters_are_listed", func(w *wire) {
		dead := w.queue(nil)
		stem := newName("source")
		sources := []string{}
		for n := range 3 {
			sources = append(sources, w.queueNamed(fmt.Sprintf("%s-%d", stem, n), attributes{"RedrivePolicy": redrive(dead, 3)}))
		}
		same(w.attributesOf(sources[0], "RedrivePolicy")["RedrivePolicy"], redrive(dead, 3))
		asked := &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead}
		pages := [][]string{}
		all := sqs.NewListDeadLetterSourceQueuesPaginator(w, asked,
			func(options *sqs.ListDeadLetterSourceQueuesPaginatorOptions) { options.Limit = 2 })
		for all.HasMorePages() {
			pages = append(pages, must(all.NextPage(w.ctx)).QueueUrls)
		}
		same(pages, [][]string{sources[:2], sources[2:]})
		must(w.set(sources[0], attributes{"RedrivePolicy": ""}))
		same(must(w.ListDeadLetterSourceQueues(w.ctx, asked)).QueueUrls, sources[1:])
	}},

	{"permissions_become_the_policy", func(w *wire) {
		url := w.queue(nil)
		allow := func(label string, actions ...string) (*sqs.AddPermissionOutput, error) {
			return w.AddPermission(w.ctx, &sqs.AddPermissionInput{
				QueueUrl: &url, Label: &label, AWSAccountIds: []string{"111122223333"}, Actions: actions,
			})
		}
		must(allow("readers", "ReceiveMessage"))
		must(allow("both", "SendMessage", "ReceiveMessage"))
		refused[smithy.APIError]("InvalidParameterValue", 400)(allow("both", "SendMessage"))
		var policy struct {
			Statement []struct {
				Sid    string
				Action any
			}
		}
		must(0, json.Unmarshal([]byte(w.attributesOf(url, "Policy")["Policy"]), &policy))
		same(len(policy.Statement), 2)
		same(policy.Statement[0].Action, "SQS:ReceiveMessage")
		same(policy.Statement[1].Action, []any{"SQS:SendMessage", "SQS:ReceiveMessage"})
		for _, each := range policy.Statement {
			must(w.RemovePermission(w.ctx, &sqs.RemovePermissionInput{QueueUrl: &url, Label: &each.Sid}))
		}
		same(len(w.attributesOf(url, "Policy")), 0)
	}},
}
