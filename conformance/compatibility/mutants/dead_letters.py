"""Mutants of dead-letter queues and move tasks."""

import json

from compatibility.mutants import mutant


def _dead(message):
    return "DeadLetterQueueSourceArn" in message.get("Attributes", {})


@mutant("gives a message a new id when it is dead-lettered", "S21", "E32")
def new_id_when_dead(exchange):
    def rename(body):
        for message in filter(_dead, body.get("Messages", [])):
            message["MessageId"] = message["MessageId"][::-1]

    answer = exchange.forward()
    answer.edit(rename)
    return answer


@mutant("begins to count anew in the dead-letter queue", "S21", "E31")
def counts_anew_when_dead(exchange):
    def reset(body):
        for message in filter(_dead, body.get("Messages", [])):
            message["Attributes"]["ApproximateReceiveCount"] = "1"

    answer = exchange.forward()
    answer.edit(reset)
    return answer


@mutant("allows one receive more before a message is dead-lettered", "S21", "S22", "S23", "E30", "E31")
def one_receive_more(exchange):
    attributes = exchange.members.get("Attributes", {})
    if isinstance(attributes, dict) and "RedrivePolicy" in attributes:
        policy = json.loads(attributes["RedrivePolicy"])
        policy["maxReceiveCount"] = int(policy["maxReceiveCount"]) + 1
        attributes["RedrivePolicy"] = json.dumps(policy)
    return exchange.forward()


@mutant("moves nothing, and says that it did", "S45", "E32")
def moves_nothing(exchange):
    return exchange.succeed(TaskHandle="e30=") if exchange.action == "StartMessageMoveTask" else exchange.forward()


@mutant("tells of move tasks in seconds, with their handle for ever", "S45", "E40")
def tells_move_tasks_wrongly(exchange):
    def retell(body):
        for task in body.get("Results", []):
            task["StartedTimestamp"] //= 1000
            task.setdefault("TaskHandle", "e30=")

    answer = exchange.forward()
    answer.edit(retell)
    return answer


@mutant("refuses a queue that names itself", "F7")
def names_no_queue_itself(exchange):
    attributes = exchange.members.get("Attributes", {})
    policy = attributes.get("RedrivePolicy", "") if isinstance(attributes, dict) else ""
    name = exchange.members.get("QueueUrl", "").rpartition("/")[2]
    if exchange.action == "SetQueueAttributes" and f":{name}\"" in policy:
        return exchange.refuse("InvalidParameterValue", "A queue cannot be its own dead-letter queue.")
    return exchange.forward()
