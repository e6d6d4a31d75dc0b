// sqs-consumer and sqs-producer: node sqs.mjs worker | producer. A result is a message in a queue of replies.

import { Consumer } from 'sqs-consumer';
import { Producer } from 'sqs-producer';
import { serve } from './drive.mjs';
import { CONCURRENCY, POSITION, run } from './work.mjs';

const [tasks, replies] = process.env.PEER_QUEUES.split(' ');
const region = 'us-east-1';
const BATCH = 10;

const entry = (id, content) => ({ id: String(id), body: JSON.stringify(content) });

/** So many consumers that together they hold as many messages as the other peers run tasks. */
function consume(queueUrl, handle) {
  const handleMessageBatch = async (messages) => {
    await handle(messages.map((message) => JSON.parse(message.Body)));
    return messages;
  };
  for (let held = 0; held < CONCURRENCY; held += BATCH) {
    const consumer = Consumer.create({ queueUrl, region, batchSize: BATCH, handleMessageBatch });
    for (const event of ['error', 'processing_error', 'timeout_error']) {
      consumer.on(event, (error) => console.error(event, error));
    }
    consumer.start();
  }
}

if (process.argv[2] === 'worker') {
  const answers = Producer.create({ queueUrl: replies, region });
  consume(tasks, async (batch) => {
    const found = batch.map((task) => ({ number: task.number, ...run(task), isWanted: task.isWanted }));
    const wanted = found.filter((each) => each.isWanted).map((each) => entry(each.number, each));
    if (wanted.length > 0) await answers.send(wanted);
  });
} else {
  const asked = new Map();
  consume(replies, async (batch) => {
    for (const { number, ...found } of batch) {
      asked.get(number)?.(found);
      asked.delete(number);
    }
  });
  const requests = Producer.create({ queueUrl: tasks, region });
  const task = (number, isWanted) => entry(number, { number, position: POSITION, isWanted });
  const ask = async (number) => {
    const found = new Promise((resolve) => asked.set(number, resolve));
    await requests.send(task(number, true));
    return found;
  };
  await serve({ ask, send: (numbers) => requests.send(numbers.map((number) => task(number, false))) });
}
