"""Mutants of the wire: the same answers, spelled wrongly."""

from compatibility.mutants import mutant


@mutant("says 400 where a queue's address has no action", "S1", "E11")
def missing_action_is_a_400(exchange):
    answer = exchange.forward()
    if not exchange.action:
        answer.status = 400
    return answer


@mutant("leaves out the header with the Query spelling of an error", "E1")
def no_query_error(exchange):
    answer = exchange.forward()
    answer.drop_header("x-amzn-query-error")
    return answer


@mutant("leaves the namespace out of a JSON error's type", "E2")
def bare_error_type(exchange):
    answer = exchange.forward()
    answer.edit(lambda body: body.update(__type=body["__type"].rpartition("#")[2]) if "__type" in body else None)
    return answer


@mutant("has one text for a missing queue, whatever the protocol", "S47", "E3")
def one_text_for_a_missing_queue(exchange):
    answer = exchange.forward()
    answer.body = answer.body.replace(b" for this wsdl version", b"")
    return answer


@mutant("says 400 for everything that it refuses", "E4")
def every_refusal_is_a_400(exchange):
    answer = exchange.forward()
    if answer.status in {403, 404}:
        answer.status = 400
    return answer


@mutant("says empty lists and maps instead of nothing", "E5", "S14")
def empty_collections(exchange):
    empty = {
        "ReceiveMessage": {"Messages": []},
        "ListQueues": {"QueueUrls": []},
        "ListQueueTags": {"Tags": {}},
        "GetQueueAttributes": {"Attributes": {}},
        "SendMessageBatch": {"Failed": []},
    }.get(exchange.action, {})
    answer = exchange.forward()
    if answer.status == 200:
        answer.edit(lambda body: [body.setdefault(*member) for member in empty.items()])
    return answer


@mutant("begins the names of all members with a capital letter", "E6")
def capital_members(exchange):
    if "tags" in exchange.members:
        exchange.members["Tags"] = exchange.members.pop("tags")
    answer = exchange.forward()
    answer.edit(lambda body: body.update(QueueUrls=body.pop("queueUrls")) if "queueUrls" in body else None)
    return answer


@mutant("gives numbers and booleans of attributes as JSON has them", "E7")
def typed_attributes(exchange):
    def retype(body):
        if "Attributes" in body:
            typed = {name: int(text) if text.isdigit() else text for name, text in body["Attributes"].items()}
            body["Attributes"] = {name: text == "true" if text in ("true", "false") else text for name, text in typed.items()}

    answer = exchange.forward()
    if exchange.action == "GetQueueAttributes":
        answer.edit(retype)
    return answer


@mutant("loses carriage returns", "S43", "E8")
def no_carriage_returns(exchange):
    answer = exchange.forward()
    answer.body = answer.body.replace(b"&#xD;", b"").replace(b"\\r", b"")
    return answer


@mutant("expects lists of the Query protocol in the words of other services: `Tag.member.1.Key`", "E9")
def lists_with_members(exchange):
    if exchange.protocol == "Query":
        exchange.members = {
            name.replace(".", ".member.", 1) if name.startswith(("Tag", "Attribute")) else name: value
            for name, value in exchange.members.items()
        }
    return exchange.forward()


@mutant("takes the queue from the address even when JSON names one", "S2")
def the_address_wins(exchange):
    path = exchange.target.split("?")[0]
    if exchange.protocol == "JSON" and path.count("/") == 2:
        exchange.members["QueueUrl"] = "http://localhost" + path
    return exchange.forward()


@mutant("knows queue URLs of its own host only", "S3", "E10")
def one_host(exchange):
    url = exchange.members.get("QueueUrl", "")
    if url and exchange.header("host") not in url:
        exchange.members["QueueUrl"] = "http://localhost/000000000000/no-such-queue"
    return exchange.forward()


@mutant("leaves out the header with the shape of an error", "F8")
def no_error_type(exchange):
    answer = exchange.forward()
    answer.drop_header("x-amzn-errortype")
    return answer
