"""Mutants of who may do what: signatures, policies, accounts and regions."""

import re

from compatibility.mutants import mutant


@mutant("lets everybody in, whoever signed", "F2", "F3")
def lets_everybody_in(exchange):
    answer = exchange.forward()
    return exchange.succeed() if answer.status == 403 else answer


@mutant("knows one region", "F4")
def one_region(exchange):
    exchange.headers = [
        (key, re.sub(r"/[a-z0-9-]+/sqs/aws4_request", "/us-east-1/sqs/aws4_request", value)) for key, value in exchange.headers
    ]
    return exchange.forward()
