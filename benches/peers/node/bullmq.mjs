// BullMQ on Redis: node bullmq.mjs worker | producer

import { Queue, QueueEvents, Worker } from 'bullmq';
import { serve } from './drive.mjs';
import { CONCURRENCY, POSITION, run } from './work.mjs';

const QUEUE = 'bullmq-tasks';
const { hostname: host, port } = new URL(process.env.PEER_REDIS);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };

if (process.argv[2] === 'worker') {
  new Worker(QUEUE, async (job) => run(job.data), { connection, concurrency: CONCURRENCY });
} else {
  const queue = new Queue(QUEUE, { connection });
  const events = new QueueEvents(QUEUE, { connection });
  await events.waitUntilReady();
  // A job whose result is waited for must not vanish before it was; else none is kept.
  const kept = { removeOnComplete: { count: 1000 } };
  const ask = async (number) => {
    const job = await queue.add('answered', { number, position: POSITION }, kept);
    return job.waitUntilFinished(events, 60_000);
  };
  const job = (number) => ({ name: 'unanswered', data: { number, position: POSITION }, opts: { removeOnComplete: true } });
  await serve({ ask, send: (numbers) => queue.addBulk(numbers.map(job)) });
}
