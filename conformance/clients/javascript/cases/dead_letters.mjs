// What cannot be handled goes to its dead-letter queue, and comes back from there.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CancelMessageMoveTaskCommand,
  ListMessageMoveTasksCommand,
  ResourceNotFoundException,
  SendMessageBatchCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { arn, refused } from '../harness/wire.mjs';

const named = (url) => url.split('/').at(-1);

async function pair(wire) {
  const dead = await wire.queue();
  const policy = JSON.stringify({ deadLetterTargetArn: arn(named(dead)), maxReceiveCount: 1 });
  return { dead, source: await wire.queue({ RedrivePolicy: policy, VisibilityTimeout: '0' }) };
}

/** Sends `count` messages and receives them until all are dead letters. */
async function bury(wire, { dead, source }, count) {
  const Entries = Array.from({ length: count }, (_, n) => ({ Id: `${n}`, MessageBody: `${n}` }));
  await wire.send(new SendMessageBatchCommand({ QueueUrl: source, Entries }));
  while ((await wire.counts(dead))[0] < count) await wire.receive(source);
}

export async function what_is_received_too_often_becomes_a_dead_letter(wire) {
  const { dead, source } = await pair(wire);
  const MessageAttributes = { k: { DataType: 'String', StringValue: 'x' } };
  const sent = await wire.send(new SendMessageCommand({ QueueUrl: source, MessageBody: 'poison', MessageAttributes }));
  assert.equal((await wire.receive(source)).length, 1);
  assert.equal((await wire.receive(source)).length, 0);
  const [letter] = await wire.receive(dead);
  assert.deepEqual([letter.MessageId, letter.Body], [sent.MessageId, 'poison']);
  assert.equal(letter.MD5OfMessageAttributes, 'a45daa70926828a2f0a1db3418e6feb4');
  assert.equal(letter.Attributes.ApproximateReceiveCount, '2');
  assert.equal(letter.Attributes.DeadLetterQueueSourceArn, arn(named(source)));
}

export async function dead_letters_are_moved_back(wire) {
  const queues = await pair(wire);
  await bury(wire, queues, 3);
  const SourceArn = arn(named(queues.dead));
  const { TaskHandle } = await wire.send(new StartMessageMoveTaskCommand({ SourceArn }));
  assert.equal(JSON.parse(Buffer.from(TaskHandle, 'base64')).sourceArn, SourceArn);
  const last = async () => (await wire.send(new ListMessageMoveTasksCommand({ SourceArn }))).Results[0];
  let task = await last();
  while (task.Status === 'RUNNING') {
    await pause(50);
    task = await last();
  }
  const { Status, ApproximateNumberOfMessagesMoved: moved, ApproximateNumberOfMessagesToMove: toMove } = task;
  assert.deepEqual([Status, moved, toMove, task.DestinationArn], ['COMPLETED', 3, 3, undefined]);
  assert.ok(Math.abs(Date.now() - task.StartedTimestamp) < 60_000);
  const back = await wire.receive(queues.source);
  assert.deepEqual(back.map((each) => each.Attributes.ApproximateReceiveCount), ['1', '1', '1']);
}

export async function a_move_of_dead_letters_is_cancelled(wire) {
  const queues = await pair(wire);
  await bury(wire, queues, 10);
  const elsewhere = await wire.queue();
  const SourceArn = arn(named(queues.dead));
  const slowly = { SourceArn, DestinationArn: arn(named(elsewhere)), MaxNumberOfMessagesPerSecond: 1 };
  const { TaskHandle } = await wire.send(new StartMessageMoveTaskCommand(slowly));
  const second = wire.send(new StartMessageMoveTaskCommand({ SourceArn }));
  await refused(second, 'InvalidParameterValue', 'InvalidParameterValue');
  const running = (await wire.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 10 }))).Results[0];
  assert.deepEqual(
    [running.Status, running.TaskHandle, running.DestinationArn, running.MaxNumberOfMessagesPerSecond],
    ['RUNNING', TaskHandle, slowly.DestinationArn, 1],
  );
  const cancelled = await wire.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
  assert.ok(cancelled.ApproximateNumberOfMessagesMoved < 10);
  const unknown = Buffer.from(JSON.stringify({ taskId: '00000000-0000-4000-8000-000000000000', sourceArn: SourceArn }));
  const none = wire.send(new CancelMessageMoveTaskCommand({ TaskHandle: unknown.toString('base64') }));
  await refused(none, ResourceNotFoundException, 'ResourceNotFoundException', 404);
}
