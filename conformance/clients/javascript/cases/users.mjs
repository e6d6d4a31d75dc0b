// sqs-producer and sqs-consumer as applications use them, with the clients that they make for themselves.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { DeleteQueueCommand } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { Producer } from 'sqs-producer';
import { arn, newName } from '../harness/wire.mjs';

const named = (url) => url.split('/').at(-1);

async function until(condition, what, milliseconds = 20_000) {
  const deadline = Date.now() + milliseconds;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `not in time: ${what}`);
    await pause(20);
  }
}

/** Consumers of one queue, and what they complain of: `errors` of the wire, `failures` of handlers. */
class Crew {
  constructor(queueUrl, size, options) {
    this.errors = [];
    this.failures = [];
    const shared = { queueUrl, waitTimeSeconds: 1, pollingCompleteWaitTimeMs: 10_000, ...options };
    this.consumers = Array.from({ length: size }, () => Consumer.create(shared));
    for (const consumer of this.consumers) {
      consumer.on('error', (error) => this.errors.push(`${error}`));
      consumer.on('timeout_error', (error) => this.errors.push(`${error}`));
      consumer.on('processing_error', (error) => this.failures.push(`${error}`));
      consumer.start();
    }
  }

  /** Asks all to stop and waits until what they have in hand is done. */
  async stop() {
    const stopped = this.consumers.map((consumer) => once(consumer, 'stopped'));
    for (const consumer of this.consumers) consumer.stop();
    await Promise.all(stopped);
  }
}

const numbered = (count) => Array.from({ length: count }, (_, n) => ({ id: `id-${n}`, body: `task ${n}` }));
const bodies = (messages) => messages.map((each) => each.body).sort();

export async function a_thousand_messages_are_produced_and_consumed(wire) {
  const queueUrl = await wire.queue({ VisibilityTimeout: '60' });
  const producer = Producer.create({ queueUrl, region: 'us-east-1' });
  const attributes = { origin: { DataType: 'String', StringValue: 'výroba' } };
  const messages = numbered(1000).map((each) => ({ ...each, messageAttributes: attributes }));
  const sent = await producer.send(messages);
  assert.equal(new Set(sent.map((each) => each.MessageId)).size, 1000);
  assert.equal(await producer.queueSize(), 1000);
  const handled = [];
  const handleMessageBatch = async (batch) => {
    handled.push(...batch);
    return batch;
  };
  const crew = new Crew(queueUrl, 4, { handleMessageBatch, batchSize: 10, messageAttributeNames: ['All'] });
  await until(() => handled.length >= 1000, '1000 messages are handled');
  await crew.stop();
  assert.deepEqual(handled.map((each) => each.Body).sort(), bodies(messages));
  assert.ok(handled.every((each) => each.MessageAttributes.origin.StringValue === 'výroba'));
  assert.deepEqual([crew.errors, crew.failures, await wire.counts(queueUrl)], [[], [], [0, 0, 0]]);
}

export async function a_heartbeat_keeps_what_takes_long(wire) {
  const queueUrl = await wire.queue();
  await Producer.create({ queueUrl, region: 'us-east-1' }).send(numbered(4));
  const [started, finished] = [[], []];
  const handleMessageBatch = async (batch) => {
    started.push(...batch);
    await pause(3200);
    finished.push(...batch);
    return batch;
  };
  const crew = new Crew(queueUrl, 3, { handleMessageBatch, batchSize: 2, visibilityTimeout: 2, heartbeatInterval: 1 });
  await until(() => finished.length >= 4, 'the slow handlers are done');
  await crew.stop();
  assert.deepEqual(started.map((each) => each.Body).sort(), bodies(numbered(4)));
  assert.deepEqual([crew.errors, await wire.counts(queueUrl)], [[], [0, 0, 0]]);
}

export async function what_a_handler_throws_at_ends_as_a_dead_letter(wire) {
  const dead = await wire.queue();
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn(named(dead)), maxReceiveCount: 3 });
  const queueUrl = await wire.queue({ RedrivePolicy });
  await Producer.create({ queueUrl, region: 'us-east-1' }).send(numbered(20));
  const tries = new Map();
  const handleMessage = async (message) => {
    tries.set(message.Body, (tries.get(message.Body) ?? 0) + 1);
    if (message.Body === 'task 7') throw new Error('poison');
    return message;
  };
  const crew = new Crew(queueUrl, 2, { handleMessage, batchSize: 5, terminateVisibilityTimeout: true });
  await until(async () => (await wire.counts(dead))[0] === 1, 'the poison is a dead letter');
  await until(() => tries.size === 20, 'all messages are tried');
  await crew.stop();
  for (const [body, count] of tries) assert.equal(count, body === 'task 7' ? 3 : 1, body);
  assert.deepEqual([crew.errors, crew.failures.length, await wire.counts(queueUrl)], [[], 3, [0, 0, 0]]);
  const [letter] = await wire.receive(dead);
  assert.deepEqual([letter.Body, letter.Attributes.ApproximateReceiveCount], ['task 7', '4']);
}

export async function what_a_batch_handler_leaves_out_comes_again(wire) {
  const queueUrl = await wire.queue({ VisibilityTimeout: '1' });
  await Producer.create({ queueUrl, region: 'us-east-1' }).send(numbered(10));
  const seen = [];
  const handleMessageBatch = async (batch) => {
    seen.push(...batch);
    return batch.filter((each) => Number(each.Attributes.ApproximateReceiveCount) > 1 || each.Body !== 'task 3');
  };
  const options = { handleMessageBatch, batchSize: 10, messageSystemAttributeNames: ['ApproximateReceiveCount'] };
  const crew = new Crew(queueUrl, 1, options);
  await until(() => seen.length >= 11, 'the message left out came again');
  await crew.stop();
  assert.deepEqual(seen.slice(10).map((each) => each.Body), ['task 3']);
  assert.deepEqual([crew.errors, await wire.counts(queueUrl)], [[], [0, 0, 0]]);
}

export async function a_stopped_consumer_finishes_what_it_has(wire) {
  const queueUrl = await wire.queue();
  await Producer.create({ queueUrl, region: 'us-east-1' }).send(numbered(10));
  let begin;
  const begun = new Promise((done) => (begin = done));
  const handled = [];
  const handleMessage = async (message) => {
    begin();
    await pause(500);
    handled.push(message.Body);
    return message;
  };
  const crew = new Crew(queueUrl, 1, { handleMessage, batchSize: 3 });
  await begun;
  await crew.stop();
  assert.equal(handled.length, 3);
  assert.deepEqual([crew.errors, await wire.counts(queueUrl)], [[], [7, 0, 0]]);
}

export async function an_aborted_poll_takes_no_message(wire) {
  const queueUrl = await wire.queue();
  const crew = new Crew(queueUrl, 1, { handleMessage: async (message) => message, waitTimeSeconds: 20 });
  // Nothing shows when the broker has seen the poll, nor when it has seen the hang-up: a busy machine takes its time.
  await pause(1000);
  await wire.counts(queueUrl);
  crew.consumers[0].stop({ abort: true });
  await until(() => !crew.consumers[0].status.isPolling, 'the poll is over');
  await pause(1000);
  await wire.counts(queueUrl);
  await Producer.create({ queueUrl, region: 'us-east-1' }).send('later');
  assert.deepEqual(await wire.counts(queueUrl), [1, 0, 0]);
  assert.ok(crew.errors.every((each) => each.includes('abort')), `${crew.errors}`);
}

export async function a_fifo_group_is_consumed_in_order(wire) {
  const queueUrl = await wire.queue({ ContentBasedDeduplication: 'true' }, `${newName('js')}.fifo`);
  const inGroup = (each, n) => ({ ...each, groupId: `group-${n % 3}` });
  await Producer.create({ queueUrl, region: 'us-east-1' }).send(numbered(60).map(inGroup));
  const groups = {};
  const handleMessageBatch = async (batch) => {
    for (const { Body, Attributes } of batch) (groups[Attributes.MessageGroupId] ??= []).push(Number(Body.slice(5)));
    return batch;
  };
  const options = { handleMessageBatch, batchSize: 4, messageSystemAttributeNames: ['All'], suppressFifoWarning: true };
  const crew = new Crew(queueUrl, 3, options);
  await until(() => Object.values(groups).flat().length >= 60, '60 messages are handled');
  await crew.stop();
  for (let n = 0; n < 3; n += 1) {
    assert.deepEqual(groups[`group-${n}`], Array.from({ length: 20 }, (_, k) => 3 * k + n));
  }
  assert.deepEqual([crew.errors, await wire.counts(queueUrl)], [[], [0, 0, 0]]);
}

export async function a_producer_is_told_which_messages_failed(wire) {
  const queueUrl = await wire.queue();
  const messages = numbered(12).map((each, n) => (n === 5 ? { ...each, body: 'bell \u0007' } : each));
  const sent = Producer.create({ queueUrl, region: 'us-east-1' }).send(messages);
  await assert.rejects(sent, /Failed to send messages: id-5$/);
  assert.deepEqual(await wire.counts(queueUrl), [11, 0, 0]);
}

export async function a_consumer_is_told_that_its_queue_is_gone(wire) {
  const queueUrl = await wire.queue();
  const handleMessage = async (message) => message;
  const consumer = Consumer.create({ queueUrl, handleMessage, authenticationErrorTimeout: 60_000 });
  await wire.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
  const told = once(consumer, 'error');
  consumer.start();
  const [error] = await told;
  consumer.stop();
  assert.deepEqual([error.name, error.code, error.statusCode], ['SQSError', 'QueueDoesNotExist', 400]);
}
