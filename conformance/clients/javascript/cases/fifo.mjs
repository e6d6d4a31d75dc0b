// FIFO queues: order within a group, locked groups, deduplication, sequence numbers.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { DeleteMessageCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { newName, refused } from '../harness/wire.mjs';

const fifo = (wire, attributes) => wire.queue(attributes, `${newName('js')}.fifo`);
const bodies = (messages) => messages.map((each) => each.Body);

export async function a_fifo_queue_keeps_order_and_locks_groups(wire) {
  const QueueUrl = await fifo(wire);
  const entry = (MessageGroupId, n) => {
    const text = `${MessageGroupId}${n}`;
    return { Id: text, MessageBody: text, MessageGroupId, MessageDeduplicationId: text };
  };
  const Entries = [entry('a', 1), entry('b', 1), entry('a', 2), entry('a', 3)];
  const { Successful } = await wire.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  const numbers = Successful.map((each) => each.SequenceNumber);
  assert.ok(numbers.every((each) => /^\d{20}$/.test(each)));
  assert.deepEqual(numbers, [...new Set(numbers)].sort());
  const first = await wire.receive(QueueUrl, { MaxNumberOfMessages: 2 });
  assert.deepEqual(bodies(first), ['a1', 'a2']);
  assert.deepEqual(
    first.map(({ Attributes: told }) => [told.MessageGroupId, told.MessageDeduplicationId, told.SequenceNumber]),
    [
      ['a', 'a1', numbers[0]],
      ['a', 'a2', numbers[2]],
    ],
  );
  assert.deepEqual(bodies(await wire.receive(QueueUrl)), ['b1']);
  await wire.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first[0].ReceiptHandle }));
  assert.deepEqual(await wire.receive(QueueUrl), []);
  const waiting = wire.receive(QueueUrl, { WaitTimeSeconds: 10 });
  await wire.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first[1].ReceiptHandle }));
  assert.deepEqual(bodies(await waiting), ['a3']);
}

export async function a_fifo_queue_takes_a_message_once(wire) {
  const QueueUrl = await fifo(wire);
  const send = (more) => wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId: 'g', ...more }));
  const first = await send({ MessageDeduplicationId: 'd' });
  const again = await send({ MessageDeduplicationId: 'd', MessageBody: 'other', MessageGroupId: 'h' });
  assert.deepEqual([again.MessageId, again.SequenceNumber], [first.MessageId, first.SequenceNumber]);
  const messages = await wire.receive(QueueUrl);
  assert.deepEqual(bodies(messages), ['x']);
  await wire.remove(QueueUrl, messages);
  assert.equal((await send({ MessageDeduplicationId: 'd' })).MessageId, first.MessageId);
  assert.deepEqual(await wire.receive(QueueUrl), []);
  await refused(send({}), 'InvalidParameterValue', 'InvalidParameterValue');
  const groupless = send({ MessageGroupId: undefined, MessageDeduplicationId: 'e' });
  await refused(groupless, 'MissingParameter', 'MissingParameter');
}

export async function the_content_can_be_the_deduplication_id(wire) {
  const QueueUrl = await fifo(wire, { ContentBasedDeduplication: 'true' });
  const send = (MessageBody) => wire.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: 'g' }));
  const ids = [];
  for (const body of ['x', 'y', 'x']) ids.push((await send(body)).MessageId);
  assert.equal(ids[2], ids[0]);
  const messages = await wire.receive(QueueUrl);
  assert.deepEqual(bodies(messages), ['x', 'y']);
  const digest = createHash('sha256').update('x').digest('hex');
  assert.equal(messages[0].Attributes.MessageDeduplicationId, digest);
}
