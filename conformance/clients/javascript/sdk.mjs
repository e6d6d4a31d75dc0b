// The AWS SDK for JavaScript v3 against an SQS-compatible broker: node sdk.mjs ENDPOINT [CASE…]

import { run } from './harness/run.mjs';
import * as batches from './cases/batches.mjs';
import * as deadLetters from './cases/dead_letters.mjs';
import * as errors from './cases/errors.mjs';
import * as fifo from './cases/fifo.mjs';
import * as load from './cases/load.mjs';
import * as messages from './cases/messages.mjs';
import * as queues from './cases/queues.mjs';
import * as sdk from './cases/sdk.mjs';

await run({ ...queues, ...messages, ...batches, ...errors, ...fifo, ...deadLetters, ...load, ...sdk });
