"""The other end of `harness.query`: runs under a Python that has a botocore of the Query days, and nothing else.

A line in is one call as JSON, a line out is its reply or its error. Bytes travel as `{"base64": …}`.
"""

import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def packed(value):
    return {"base64": base64.b64encode(value).decode()}


def unpacked(value):
    return base64.b64decode(value["base64"]) if set(value) == {"base64"} else value


def main(endpoint):
    sqs = boto3.client(
        "sqs",
        endpoint_url=endpoint,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, parameter_validation=False),
    )
    print(json.dumps(sqs.meta.service_model.metadata["protocol"]), flush=True)
    for line in sys.stdin:
        operation, arguments = json.loads(line, object_hook=unpacked)
        try:
            answer = {"reply": getattr(sqs, operation)(**arguments)}
        except ClientError as error:
            answer = {"error": error.response}
        print(json.dumps(answer, default=packed), flush=True)


main(sys.argv[1])
