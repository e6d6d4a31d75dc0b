// One message: sent, received with all that it bore, hidden, shown again, deleted.

import assert from 'node:assert/strict';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { md5, md5OfAttributes, refused } from '../harness/wire.mjs';

const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
const BODY = 'žluťoučký 🐎\r\n\t<&>"\' 日本語 \u{10FFFF}';
const ATTRIBUTES = {
  text: { DataType: 'String', StringValue: 'hodnota 🙂' },
  'text.custom': { DataType: 'String.custom', StringValue: 'x' },
  number: { DataType: 'Number', StringValue: '-3.14000' },
  'number.long': { DataType: 'Number.java.lang.Long', StringValue: '1493147359900' },
  bytes: { DataType: 'Binary', BinaryValue: Uint8Array.from({ length: 256 }, (_, n) => n) },
  'bytes.png': { DataType: 'Binary.png', BinaryValue: Uint8Array.of(0, 1, 255) },
};

/** Attributes without what the SDK adds to a received one, and with bytes of one kind. */
const plain = (attributes) =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      { DataType, StringValue, BinaryValue: BinaryValue && [...BinaryValue] },
    ]),
  );

export async function a_message_keeps_its_body_and_every_attribute(wire) {
  const QueueUrl = await wire.queue();
  const sent = await wire.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: BODY,
      MessageAttributes: ATTRIBUTES,
      MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: TRACE } },
    }),
  );
  assert.equal(sent.MD5OfMessageBody, md5(BODY));
  assert.equal(sent.MD5OfMessageAttributes, md5OfAttributes(ATTRIBUTES));
  assert.equal(sent.MD5OfMessageSystemAttributes, '5ae4d5d7636402d80f4eb6d213245a88');
  assert.equal(sent.SequenceNumber, undefined);
  const [message, ...others] = await wire.receive(QueueUrl);
  assert.deepEqual([others, message.MessageId, message.Body], [[], sent.MessageId, BODY]);
  assert.equal(message.MD5OfBody, md5(BODY));
  assert.deepEqual(plain(message.MessageAttributes), plain(ATTRIBUTES));
  assert.equal(message.MD5OfMessageAttributes, md5OfAttributes(ATTRIBUTES));
  const { SenderId, SentTimestamp, ApproximateFirstReceiveTimestamp: first, ...rest } = message.Attributes;
  assert.deepEqual(rest, { AWSTraceHeader: TRACE, ApproximateReceiveCount: '1' });
  assert.ok(SenderId && Math.abs(Date.now() - Number(SentTimestamp)) < 60_000 && Number(first) >= Number(SentTimestamp));
}

export async function only_the_attributes_asked_for_come(wire) {
  const QueueUrl = await wire.queue();
  const text = (StringValue) => ({ DataType: 'String', StringValue });
  const MessageAttributes = { General: text('Kenobi'), Hello: text('There'), 'Help.Me': text('Me') };
  await wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageAttributes }));
  const seen = async (...names) => {
    const options = { MessageAttributeNames: names, MessageSystemAttributeNames: ['SenderId'], VisibilityTimeout: 0 };
    const [message] = await wire.receive(QueueUrl, options);
    assert.deepEqual(Object.keys(message.Attributes), ['SenderId']);
    return [Object.keys(message.MessageAttributes ?? {}).sort(), message.MD5OfMessageAttributes];
  };
  assert.deepEqual(await seen('All'), [['General', 'Hello', 'Help.Me'], '4c360f3fdafd970e05fae2f149d997f5']);
  assert.deepEqual(await seen('Hel.*'), [['Hello', 'Help.Me'], '83fee93c1bcd8b9a5a923ffacdc636c7']);
  assert.deepEqual(await seen('Hello', 'none'), [['Hello'], 'a311262e065454b75da111d535b8dacd']);
  assert.deepEqual(await seen('none'), [[], undefined]);
}

export async function a_mebibyte_fits_and_one_byte_more_does_not(wire) {
  const QueueUrl = await wire.queue();
  const body = 'é'.repeat(1024 * 512);
  await wire.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  const [message] = await wire.receive(QueueUrl);
  assert.ok(message.Body === body);
  const more = wire.send(new SendMessageCommand({ QueueUrl, MessageBody: `${body}x` }));
  await refused(more, 'InvalidParameterValue', 'InvalidParameterValue');
}

export async function visibility_ends_and_is_changed(wire) {
  const QueueUrl = await wire.queue();
  await wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
  const [first] = await wire.receive(QueueUrl, { VisibilityTimeout: 1 });
  assert.deepEqual(await wire.receive(QueueUrl), []);
  const [second] = await wire.receive(QueueUrl, { WaitTimeSeconds: 10 });
  assert.notEqual(second.ReceiptHandle, first.ReceiptHandle);
  const hide = (VisibilityTimeout) =>
    wire.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: second.ReceiptHandle, VisibilityTimeout }));
  await hide(40);
  assert.deepEqual(await wire.counts(QueueUrl), [0, 1, 0]);
  await hide(0);
  const [third] = await wire.receive(QueueUrl);
  assert.deepEqual([third.MessageId, third.Attributes.ApproximateReceiveCount], [first.MessageId, '3']);
  const remove = () => wire.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: third.ReceiptHandle }));
  await remove();
  await remove();
  assert.deepEqual(await wire.counts(QueueUrl), [0, 0, 0]);
}

export async function a_delayed_message_comes_when_its_delay_ends(wire) {
  const QueueUrl = await wire.queue();
  const begun = Date.now();
  await wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 1 }));
  assert.deepEqual(await wire.counts(QueueUrl), [0, 0, 1]);
  assert.deepEqual(await wire.receive(QueueUrl), []);
  const [message] = await wire.receive(QueueUrl, { WaitTimeSeconds: 10 });
  assert.ok(message && Date.now() - begun >= 1000 && Date.now() - begun < 5000);
}

export async function a_long_poll_is_woken_by_a_send(wire) {
  const QueueUrl = await wire.queue({ ReceiveMessageWaitTimeSeconds: '20' });
  const begun = Date.now();
  const waiting = wire.receive(QueueUrl);
  await new Promise((done) => setTimeout(done, 300));
  await wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'awaited' }));
  assert.deepEqual((await waiting).map((each) => each.Body), ['awaited']);
  assert.ok(Date.now() - begun < 5000);
}

export async function a_long_poll_without_messages_ends_in_time(wire) {
  const QueueUrl = await wire.queue();
  const begun = Date.now();
  assert.deepEqual(await wire.receive(QueueUrl, { WaitTimeSeconds: 1 }), []);
  const took = Date.now() - begun;
  assert.ok(took >= 950 && took < 4000, `${took} ms`);
}

export async function a_purge_takes_every_message(wire) {
  const QueueUrl = await wire.queue();
  for (const DelaySeconds of [0, 0, 60]) {
    await wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds }));
  }
  await wire.receive(QueueUrl, { MaxNumberOfMessages: 1 });
  assert.deepEqual(await wire.counts(QueueUrl), [1, 1, 1]);
  await wire.send(new PurgeQueueCommand({ QueueUrl }));
  assert.deepEqual(await wire.counts(QueueUrl), [0, 0, 0]);
}
