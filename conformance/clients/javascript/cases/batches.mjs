// Batches: each entry has its own fate, and a batch of a wrong shape has none.

import assert from 'node:assert/strict';
import {
  BatchEntryIdsNotDistinct,
  BatchRequestTooLong,
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  EmptyBatchRequest,
  InvalidBatchEntryId,
  SendMessageBatchCommand,
  TooManyEntriesInBatchRequest,
} from '@aws-sdk/client-sqs';
import { md5, md5OfAttributes, refused } from '../harness/wire.mjs';

const ids = (entries) => (entries ?? []).map((each) => each.Id);

export async function a_batch_fails_entry_by_entry(wire) {
  const QueueUrl = await wire.queue();
  const MessageAttributes = { n: { DataType: 'Number', StringValue: '1' } };
  const sent = await wire.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: 'good', MessageBody: 'ěšč', MessageAttributes },
        { Id: 'characters', MessageBody: 'bell \u0007' },
        { Id: 'number', MessageBody: 'x', MessageAttributes: { n: { DataType: 'Number', StringValue: 'one' } } },
        { Id: 'fine', MessageBody: 'second' },
      ],
    }),
  );
  assert.deepEqual(ids(sent.Successful), ['good', 'fine']);
  assert.equal(sent.Successful[0].MD5OfMessageBody, md5('ěšč'));
  assert.equal(sent.Successful[0].MD5OfMessageAttributes, md5OfAttributes(MessageAttributes));
  assert.deepEqual(
    sent.Failed.map((each) => [each.Id, each.Code, each.SenderFault]),
    [
      ['characters', 'InvalidMessageContents', true],
      ['number', 'InvalidParameterValue', true],
    ],
  );
  const messages = await wire.receive(QueueUrl);
  assert.deepEqual(messages.map((each) => each.Body), ['ěšč', 'second']);
  await receipts_fail_one_by_one(wire, QueueUrl, messages);
}

async function receipts_fail_one_by_one(wire, QueueUrl, messages) {
  const [shown, hidden] = messages.map((each) => each.ReceiptHandle);
  const changed = await wire.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl,
      Entries: [
        { Id: 'shown', ReceiptHandle: shown, VisibilityTimeout: 0 },
        { Id: 'garbage', ReceiptHandle: 'garbage', VisibilityTimeout: 0 },
        { Id: 'long', ReceiptHandle: hidden, VisibilityTimeout: 43201 },
      ],
    }),
  );
  assert.deepEqual([ids(changed.Successful), ids(changed.Failed)], [['shown'], ['garbage', 'long']]);
  assert.deepEqual(await wire.counts(QueueUrl), [1, 1, 0]);
  const deleted = await wire.send(
    new DeleteMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: 'garbage', ReceiptHandle: 'garbage' },
        { Id: 'a', ReceiptHandle: shown },
        { Id: 'b', ReceiptHandle: hidden },
      ],
    }),
  );
  assert.deepEqual(ids(deleted.Successful), ['a', 'b']);
  assert.deepEqual(
    deleted.Failed.map((each) => [each.Id, each.Code]),
    [['garbage', 'ReceiptHandleIsInvalid']],
  );
  assert.deepEqual(await wire.counts(QueueUrl), [0, 0, 0]);
}

export async function a_batch_of_a_wrong_shape_is_refused_whole(wire) {
  const QueueUrl = await wire.queue();
  const entries = (...names) => names.map((Id) => ({ Id, MessageBody: 'x' }));
  const wrong = (Entries, type) =>
    refused(wire.send(new SendMessageBatchCommand({ QueueUrl, Entries })), type, `AWS.SimpleQueueService.${type.name}`);
  await wrong([], EmptyBatchRequest);
  await wrong(entries(...'abcdefghijk'), TooManyEntriesInBatchRequest);
  await wrong(entries('a', 'b', 'a'), BatchEntryIdsNotDistinct);
  await wrong(entries('not:one'), InvalidBatchEntryId);
  const half = 'x'.repeat(1024 * 512);
  const long = [
    { Id: 'a', MessageBody: half },
    { Id: 'b', MessageBody: `${half}x` },
  ];
  await wrong(long, BatchRequestTooLong);
  const noReceipts = wire.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [] }));
  await refused(noReceipts, EmptyBatchRequest, 'AWS.SimpleQueueService.EmptyBatchRequest');
  assert.deepEqual(await wire.counts(QueueUrl), [0, 0, 0]);
}
