// Queues: their life, attributes, tags, permissions, and lists of them.

import assert from 'node:assert/strict';
import {
  AddPermissionCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  QueueDoesNotExist,
  QueueNameExists,
  RemovePermissionCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
  paginateListDeadLetterSourceQueues,
  paginateListQueues,
} from '@aws-sdk/client-sqs';
import { arn, newName, refused } from '../harness/wire.mjs';

const named = (url) => url.split('/').at(-1);

export async function queues_are_made_found_and_deleted(wire) {
  const url = await wire.queue({ VisibilityTimeout: '45' });
  const QueueName = named(url);
  const again = (Attributes) => wire.send(new CreateQueueCommand({ QueueName, Attributes }));
  assert.equal((await again(undefined)).QueueUrl, url);
  assert.equal((await again({ VisibilityTimeout: '45' })).QueueUrl, url);
  await refused(again({ VisibilityTimeout: '46' }), QueueNameExists, 'QueueAlreadyExists');
  assert.equal((await wire.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl, url);
  await wire.send(new DeleteQueueCommand({ QueueUrl: url }));
  const gone = [QueueDoesNotExist, 'AWS.SimpleQueueService.NonExistentQueue'];
  await refused(wire.send(new GetQueueUrlCommand({ QueueName })), ...gone);
  await refused(wire.receive(url), ...gone);
}

export async function queue_attributes_are_kept(wire) {
  const url = await wire.queue({ DelaySeconds: '3', MessageRetentionPeriod: '120' });
  const made = await wire.attributes(url);
  assert.equal(made.QueueArn, arn(named(url)));
  assert.deepEqual([made.DelaySeconds, made.MessageRetentionPeriod, made.VisibilityTimeout], ['3', '120', '30']);
  assert.equal(Object.keys(made).length, 12);
  const Attributes = { DelaySeconds: '0', VisibilityTimeout: '7', MaximumMessageSize: '2048' };
  await wire.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
  assert.deepEqual(await wire.attributes(url, ...Object.keys(Attributes)), Attributes);
  const unknown = wire.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Colour: 'red' } }));
  await refused(unknown, 'InvalidAttributeName', 'InvalidAttributeName');
  const impossible = wire.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '901' } }));
  await refused(impossible, 'InvalidAttributeValue', 'InvalidAttributeValue');
  assert.equal((await wire.attributes(url, 'DelaySeconds')).DelaySeconds, '0');
}

export async function tags_are_kept(wire) {
  const QueueUrl = await wire.queue();
  const tags = async () => (await wire.send(new ListQueueTagsCommand({ QueueUrl }))).Tags;
  assert.equal(await tags(), undefined);
  await wire.send(new TagQueueCommand({ QueueUrl, Tags: { team: 'a', Team: '', ключ: 'значение' } }));
  await wire.send(new TagQueueCommand({ QueueUrl, Tags: { team: 'b' } }));
  assert.deepEqual(await tags(), { team: 'b', Team: '', ключ: 'значение' });
  await wire.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['team', 'ключ', 'none'] }));
  assert.deepEqual(await tags(), { Team: '' });
}

export async function queues_are_listed_page_by_page(wire) {
  const prefix = newName('page');
  const made = [];
  for (let n = 0; n < 5; n += 1) made.push(await wire.queue({}, `${prefix}-${n}`));
  const pages = [];
  for await (const page of paginateListQueues({ client: wire.sqs, pageSize: 2 }, { QueueNamePrefix: prefix })) {
    pages.push(page.QueueUrls);
  }
  assert.deepEqual(pages, [made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
  const all = await wire.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  assert.deepEqual([all.QueueUrls, all.NextToken], [made, undefined]);
  const none = await wire.send(new ListQueuesCommand({ QueueNamePrefix: newName('none') }));
  assert.equal(none.QueueUrls, undefined);
}

export async function sources_of_dead_letters_are_listed(wire) {
  const dead = await wire.queue();
  const policy = JSON.stringify({ deadLetterTargetArn: arn(named(dead)), maxReceiveCount: 3 });
  const stem = newName('source');
  const sources = [];
  for (let n = 0; n < 3; n += 1) sources.push(await wire.queue({ RedrivePolicy: policy }, `${stem}-${n}`));
  assert.equal((await wire.attributes(sources[0], 'RedrivePolicy')).RedrivePolicy, policy);
  const pages = [];
  const paged = { client: wire.sqs, pageSize: 2 };
  for await (const page of paginateListDeadLetterSourceQueues(paged, { QueueUrl: dead })) {
    pages.push(page.queueUrls);
  }
  assert.deepEqual(pages, [sources.slice(0, 2), sources.slice(2)]);
  await wire.send(new SetQueueAttributesCommand({ QueueUrl: sources[0], Attributes: { RedrivePolicy: '' } }));
  const left = await wire.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
  assert.deepEqual(left.queueUrls, sources.slice(1));
}

export async function permissions_become_the_policy(wire) {
  const QueueUrl = await wire.queue();
  const allow = (Label, ...Actions) =>
    wire.send(new AddPermissionCommand({ QueueUrl, Label, AWSAccountIds: ['111122223333'], Actions }));
  await allow('readers', 'ReceiveMessage');
  await allow('both', 'SendMessage', 'ReceiveMessage');
  await refused(allow('both', 'SendMessage'), 'InvalidParameterValue', 'InvalidParameterValue');
  const policy = JSON.parse((await wire.attributes(QueueUrl, 'Policy')).Policy);
  assert.deepEqual(
    policy.Statement.map((each) => [each.Sid, each.Action]),
    [
      ['readers', 'SQS:ReceiveMessage'],
      ['both', ['SQS:SendMessage', 'SQS:ReceiveMessage']],
    ],
  );
  for (const Label of ['readers', 'both']) await wire.send(new RemovePermissionCommand({ QueueUrl, Label }));
  assert.equal(await wire.attributes(QueueUrl, 'Policy'), undefined);
}
