// What a case has at hand: a client that never retries, queues of its own, and what is often asked of them.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
  SQSServiceException,
} from '@aws-sdk/client-sqs';

/** The names of all operations that any client here has sent. */
export const called = new Set();

const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

/** A client that sends each call once. `options` replace its own. */
export function client(options) {
  const made = new SQSClient({
    region: REGION,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    ...options,
  });
  const note = (next, context) => (sent) => {
    called.add(context.commandName.replace(/Command$/, ''));
    return next(sent);
  };
  made.middlewareStack.add(note, { step: 'initialize', name: 'note' });
  return made;
}

export const newName = (stem) => `${stem}-${randomUUID().slice(0, 12)}`;
export const arn = (name) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
export const md5 = (content) => createHash('md5').update(content).digest('hex');

/** The digest of message attributes as SQS defines it, made apart from both the SDK and the broker. */
export function md5OfAttributes(attributes) {
  const digest = createHash('md5');
  const part = (content) => {
    const bytes = Buffer.from(content);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  };
  const names = Object.keys(attributes).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) {
    const { DataType: type, StringValue: text, BinaryValue: bytes } = attributes[name];
    part(name);
    part(type);
    digest.update(Buffer.from([type.startsWith('Binary') ? 2 : 1]));
    part(type.startsWith('Binary') ? bytes : text);
  }
  return digest.digest('hex');
}

/** The call must fail: with this class or, for codes without one, this name; and this code, which the SDK keeps beside. */
export async function refused(call, type, code, status = 400) {
  const error = await call.then(
    () => assert.fail(`not refused with ${code}`),
    (refusal) => refusal,
  );
  assert.ok(error instanceof SQSServiceException, `${error.stack ?? error}`);
  const name = typeof type === 'string' ? type : type.name;
  assert.deepEqual([error.name, error.Code, error.$metadata.httpStatusCode], [name, code, status]);
  if (typeof type !== 'string') assert.ok(error instanceof type, `${error} is no ${name}`);
  return error;
}

export class Wire {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.sqs = client({ endpoint });
    this.made = [];
  }

  send(command) {
    return this.sqs.send(command);
  }

  /** The URL of a new queue, which goes when the case ends. A name ending in `.fifo` makes a FIFO queue. */
  async queue(attributes = {}, name = newName('js')) {
    const fifo = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {};
    const reply = await this.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...fifo, ...attributes } }));
    this.made.push(reply.QueueUrl);
    return reply.QueueUrl;
  }

  /** The messages of one receive: ten at most, with all attributes, unless told otherwise. */
  async receive(url, options = {}) {
    const reply = await this.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
        ...options,
      }),
    );
    return reply.Messages ?? [];
  }

  /** Deletes received messages, all of them. */
  async remove(url, messages) {
    const entries = messages.map((each) => ({ Id: each.MessageId, ReceiptHandle: each.ReceiptHandle }));
    const reply = await this.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: entries }));
    assert.equal(reply.Failed, undefined);
    assert.equal(reply.Successful.length, messages.length);
  }

  /** The attributes named, or all. */
  async attributes(url, ...names) {
    const asked = { QueueUrl: url, AttributeNames: names.length ? names : ['All'] };
    return (await this.send(new GetQueueAttributesCommand(asked))).Attributes;
  }

  /** How many messages are [available, in flight, delayed]. */
  async counts(url) {
    const stem = 'ApproximateNumberOfMessages';
    const read = await this.attributes(url, stem, `${stem}NotVisible`, `${stem}Delayed`);
    return [stem, `${stem}NotVisible`, `${stem}Delayed`].map((name) => Number(read[name]));
  }

  async close() {
    for (const url of this.made) {
      await this.send(new DeleteQueueCommand({ QueueUrl: url })).catch(() => {});
    }
    this.sqs.destroy();
  }
}
