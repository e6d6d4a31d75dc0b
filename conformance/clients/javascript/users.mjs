// sqs-consumer and sqs-producer against an SQS-compatible broker: node users.mjs ENDPOINT [CASE…]

import { runTogether } from './harness/run.mjs';
import * as users from './cases/users.mjs';

await runTogether(users);
