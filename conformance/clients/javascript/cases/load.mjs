// Many consumers at one queue.

import assert from 'node:assert/strict';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';

const MESSAGES = 2000;
const CONSUMERS = 20;

export async function twenty_consumers_drain_a_queue_exactly_once(wire) {
  const url = await wire.queue({ VisibilityTimeout: '120' });
  await fill(wire, url);
  const seen = [];
  const consume = async () => {
    while (seen.length < MESSAGES) {
      const messages = await wire.receive(url, { WaitTimeSeconds: 1 });
      seen.push(...messages.map((each) => each.Body));
      if (messages.length) await wire.remove(url, messages);
    }
  };
  await Promise.all(Array.from({ length: CONSUMERS }, consume));
  assert.deepEqual([seen.length, new Set(seen).size], [MESSAGES, MESSAGES]);
  assert.deepEqual(await wire.counts(url), [0, 0, 0]);
}

async function fill(wire, QueueUrl) {
  const starts = Array.from({ length: MESSAGES / 10 }, (_, n) => n * 10);
  const send = async () => {
    for (let start = starts.pop(); start !== undefined; start = starts.pop()) {
      const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `${n}`, MessageBody: `m${start + n}` }));
      const reply = await wire.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      assert.equal(reply.Successful.length, 10);
    }
  };
  await Promise.all(Array.from({ length: CONSUMERS }, send));
}
