"""Mutants of queues: creating, attributes, tags, permissions, purges."""

from compatibility.mutants import mutant


def _refused(answer, code):
    return answer.status >= 400 and code.encode() in answer.body


def _url(exchange, name):
    return f"http://{exchange.header('host')}/000000000000/{name}"


@mutant("creates a queue again whatever its attributes", "S4")
def creates_again_anyhow(exchange):
    answer = exchange.forward()
    if exchange.action == "CreateQueue" and _refused(answer, "QueueNameExists"):
        return exchange.succeed(QueueUrl=_url(exchange, exchange.members["QueueName"]))
    return answer


@mutant("gives the name of a deleted queue away at once", "S6")
def forgets_deleted_names(exchange):
    answer = exchange.forward()
    if exchange.action == "CreateQueue" and _refused(answer, "QueueDeletedRecently"):
        return exchange.succeed(QueueUrl=_url(exchange, exchange.members["QueueName"]))
    return answer


@mutant("compares a queue that is created again with how it was created", "E12", "S5")
class Compares_With_Creation:
    def __init__(self):
        self._created = {}
        self._used = set()

    def __call__(self, exchange):
        name = exchange.members.get("QueueName", "")
        given = exchange.members.get("Attributes", {})
        if exchange.action == "SendMessage":
            self._used.add(exchange.members.get("QueueUrl", "").rpartition("/")[2])
        if exchange.action == "CreateQueue":
            first = self._created.setdefault(name, given)
            if name in self._used or any(first.get(key, value) != value for key, value in given.items()):
                return exchange.refuse("QueueNameExists", "A queue already exists with the same name")
        return exchange.forward()


@mutant("accepts FifoQueue=false", "E13")
def not_a_fifo_queue(exchange):
    attributes = exchange.members.get("Attributes", {})
    if isinstance(attributes, dict) and attributes.get("FifoQueue") == "false":
        del attributes["FifoQueue"]
    return exchange.forward()


@mutant("reads all attributes when none is named", "S46")
def all_attributes(exchange):
    if exchange.action == "GetQueueAttributes" and exchange.protocol == "JSON":
        exchange.members.setdefault("AttributeNames", ["All"])
    return exchange.forward()


@mutant("keeps no encryption key", "S39")
def no_encryption(exchange):
    if exchange.action == "SetQueueAttributes":
        exchange.members.get("Attributes", {}).pop("KmsMasterKeyId", None)
        exchange.members.get("Attributes", {}).setdefault("DelaySeconds", "0")
    return exchange.forward()


@mutant("keeps tags in lower case", "S40")
def lower_case_tags(exchange):
    if exchange.action == "TagQueue" and exchange.protocol == "JSON":
        exchange.members["Tags"] = {key.lower(): value for key, value in exchange.members.get("Tags", {}).items()}
    return exchange.forward()


@mutant("writes the actions of a policy in its own way", "S41")
def policy_of_its_own(exchange):
    answer = exchange.forward()
    if exchange.action == "GetQueueAttributes":
        answer.body = answer.body.replace(b"SQS:", b"sqs:")
    return answer


@mutant("purges what is available, and leaves what is in flight", "S37", "E39")
def purges_nothing_in_flight(exchange):
    return exchange.succeed() if exchange.action == "PurgeQueue" else exchange.forward()


@mutant("keeps messages for four days, whatever the queue says", "S42")
def keeps_everything(exchange):
    if exchange.action in {"CreateQueue", "SetQueueAttributes"}:
        exchange.members.get("Attributes", {}).pop("MessageRetentionPeriod", None)
    return exchange.forward()


@mutant("takes a value of null for none", "F9")
def null_is_nothing(exchange):
    for name in ("Tags", "Attributes"):
        values = exchange.members.get(name)
        if exchange.protocol == "JSON" and isinstance(values, dict):
            exchange.members[name] = {key: value for key, value in values.items() if value is not None}
    return exchange.forward()


@mutant("refuses the very same permission", "F10")
class Refuses_The_Same:
    def __init__(self):
        self._labels = set()

    def __call__(self, exchange):
        label = (exchange.members.get("QueueUrl"), exchange.members.get("Label"))
        if exchange.action == "AddPermission" and label in self._labels:
            return exchange.refuse("InvalidParameterValue", "Already exists.")
        if exchange.action == "AddPermission":
            self._labels.add(label)
        return exchange.forward()
