// What this SDK does that others do not: it checks digests, and takes the address of a queue for the place to call.

import assert from 'node:assert/strict';
import { GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { called, client } from '../harness/wire.mjs';

export async function the_url_of_a_queue_is_where_it_is_called(wire) {
  const QueueUrl = await wire.queue();
  const placeless = client({});
  await placeless.send(new SendMessageCommand({ QueueUrl, MessageBody: 'found by its URL' }));
  placeless.destroy();
  const named = client({ endpoint: wire.endpoint.replace('127.0.0.1', 'localhost') });
  const QueueName = QueueUrl.split('/').at(-1);
  const asCalled = (await named.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
  named.destroy();
  assert.equal(new URL(asCalled).hostname, 'localhost');
  assert.deepEqual((await wire.receive(QueueUrl)).map((each) => each.Body), ['found by its URL']);
}

export async function the_sdk_would_notice_a_wrong_digest(wire) {
  const QueueUrl = await wire.queue();
  const falsify = (next) => async (sent) => {
    const answer = await next(sent);
    answer.output.MD5OfMessageBody = '0'.repeat(32);
    return answer;
  };
  const deceived = client({ endpoint: wire.endpoint });
  deceived.middlewareStack.add(falsify, { step: 'deserialize', priority: 'high', name: 'falsify' });
  const sent = deceived.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
  await assert.rejects(sent, /InvalidChecksumError/);
  deceived.destroy();
}

const OPERATIONS = [
  'AddPermission',
  'CancelMessageMoveTask',
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'CreateQueue',
  'DeleteMessage',
  'DeleteMessageBatch',
  'DeleteQueue',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'ListMessageMoveTasks',
  'ListQueueTags',
  'ListQueues',
  'PurgeQueue',
  'ReceiveMessage',
  'RemovePermission',
  'SendMessage',
  'SendMessageBatch',
  'SetQueueAttributes',
  'StartMessageMoveTask',
  'TagQueue',
  'UntagQueue',
];

/** The last case: those before it called all there is. */
export async function every_operation_was_called() {
  assert.deepEqual([...called].sort(), OPERATIONS);
}
