// Refusals arrive as the SDK's own exceptions, with the names and codes of SQS.

import assert from 'node:assert/strict';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  InvalidAttributeName,
  InvalidMessageContents,
  QueueDoesNotExist,
  ReceiptHandleIsInvalid,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
  ResourceNotFoundException,
  UnsupportedOperation,
} from '@aws-sdk/client-sqs';
import { arn, newName, refused } from '../harness/wire.mjs';

export async function a_missing_queue_is_an_exception_of_its_own(wire) {
  const QueueUrl = `${wire.endpoint}/000000000000/${newName('none')}`;
  const gone = [QueueDoesNotExist, 'AWS.SimpleQueueService.NonExistentQueue'];
  const refusal = await refused(wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })), ...gone);
  assert.equal(refusal.message, 'The specified queue does not exist.');
  await refused(wire.receive(QueueUrl), ...gone);
  await refused(wire.send(new GetQueueAttributesCommand({ QueueUrl })), ...gone);
}

export async function a_bad_receipt_handle_is_an_exception_of_its_own(wire) {
  const QueueUrl = await wire.queue();
  const bad = { QueueUrl, ReceiptHandle: 'garbage' };
  const expected = [ReceiptHandleIsInvalid, 'ReceiptHandleIsInvalid', 404];
  await refused(wire.send(new DeleteMessageCommand(bad)), ...expected);
  await refused(wire.send(new ChangeMessageVisibilityCommand({ ...bad, VisibilityTimeout: 1 })), ...expected);
}

export async function refusals_bear_the_codes_of_sqs(wire) {
  const QueueUrl = await wire.queue();
  const send = (more) => wire.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', ...more }));
  await refused(send({ MessageBody: 'bell \u0007' }), InvalidMessageContents, 'InvalidMessageContents');
  await refused(send({ DelaySeconds: 901 }), 'InvalidParameterValue', 'InvalidParameterValue');
  await refused(send({ MessageBody: '' }), 'MissingParameter', 'MissingParameter');
  const list = { l: { DataType: 'String', StringValue: 'x', StringListValues: ['a'] } };
  const unsupported = [UnsupportedOperation, 'AWS.SimpleQueueService.UnsupportedOperation'];
  await refused(send({ MessageAttributes: list }), ...unsupported);
  const eleven = wire.receive(QueueUrl, { MaxNumberOfMessages: 11 });
  await refused(eleven, 'InvalidParameterValue', 'InvalidParameterValue');
  const unknown = wire.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Colour'] }));
  await refused(unknown, InvalidAttributeName, 'InvalidAttributeName');
  const nowhere = wire.send(new StartMessageMoveTaskCommand({ SourceArn: arn(newName('none')) }));
  await refused(nowhere, ResourceNotFoundException, 'ResourceNotFoundException', 404);
}
