"""Signature Version 4 by the book, so that a test can sign at another time, or send what was not signed."""

import datetime
import hashlib
import hmac
from urllib.parse import urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness import http

REGION = "us-east-1"


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed(method, url, headers, body, key, at=None):
    """The headers with an `Authorization`, for a request whose path and query need no encoding; `at` is its time."""
    at = at or datetime.datetime.now(datetime.UTC)
    date, parts = at.strftime("%Y%m%dT%H%M%SZ"), urlsplit(url)
    headers = {**{k.lower(): v for k, v in headers.items()}, "host": parts.netloc, "x-amz-date": date}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    query = "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    digest = hashlib.sha256(body.encode()).hexdigest()
    canonical = f"{method}\n{parts.path or '/'}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{date[:8]}/{REGION}/sqs/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = f"AWS4{key[1]}".encode()
    for part in scope.split("/"):
        secret = _mac(secret, part)
    signature = _mac(secret, to_sign).hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": authorization}


def json_call(endpoint, action, body, key, at=None, sent=None):
    """One request in JSON, signed; `sent` is the body that is sent instead of the one that was signed."""
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{action}"}
    headers = signed("POST", endpoint + "/", headers, body, key, at)
    return http.request("POST", endpoint + "/", headers=headers, body=body if sent is None else sent)


def presigned(url, key, seconds):
    """The URL with a signature for a GET, as botocore makes it."""
    request = AWSRequest(method="GET", url=url)
    SigV4QueryAuth(Credentials(*key), "sqs", REGION, expires=seconds).add_auth(request)
    return request.prepare().url
