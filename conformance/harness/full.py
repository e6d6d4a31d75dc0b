"""A broker whose disk is full."""

import pytest


def fill(system):
    """Sends until the broker has no room any more for even the smallest message."""
    url = system.sqs.create_queue(QueueName="Filler")["QueueUrl"]
    for size in [1_000_000, 1000, 1]:
        with pytest.raises(system.sqs.exceptions.ClientError) as refused:
            for _ in range(20_000):
                system.sqs.send_message(QueueUrl=url, MessageBody="x" * size)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    return url
