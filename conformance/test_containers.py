"""The reference system in four containers, driven through its published port like any user would.

There is no image registry here: the runtime stage of the Dockerfile is built on a base of Debian's own packages,
around the program under test. The build stage and other brokers' images can only be checked as configuration.
"""

import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from harness import containers, http, sqs, wait
from harness.containers import Compose, call, podman
from harness.process import REPOSITORY, free_port
from harness.system import TASK_QUEUE

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(900)]

# Podman's own name server now and then takes tens of seconds to answer the containers.
PATIENCE = 180


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The four containers of compose.yaml, up and answering; taken down with their volumes afterwards."""
    reason = containers.why_not()
    if reason:
        pytest.skip(reason)
    containers.build_image(tmp_path_factory.mktemp("image"))
    ports = {"LONGSHORE_APP_PORT": str(free_port()), "LONGSHORE_BROKER_PORT": str(free_port())}
    compose = Compose("longshore-conformance", LONGSHORE_WORK_TIME="1s", **ports)
    compose("down", "--volumes", check=False)
    compose.app_url = f"http://127.0.0.1:{ports['LONGSHORE_APP_PORT']}"
    compose.broker_url = f"http://127.0.0.1:{ports['LONGSHORE_BROKER_PORT']}"
    try:
        compose("up", "--detach", "--no-build")
        await_app(compose)
        yield compose
    finally:
        for container in compose.containers():
            logs = podman("logs", "--tail", "20", container["Id"], check=False)
            print(f"── {container['Name']}\n{logs.stdout}{logs.stderr}")
        compose("down", "--volumes", check=False)


def await_app(stack):
    """Waits until the app accepts a task; returns the answer."""

    def accepted():
        answer = http.answers(stack.app_url + "/fibonacci?value=8")
        return answer if answer and answer.status == 200 else None

    return wait.until(accepted, "the app accepts a task", PATIENCE, pause=0.2)


def curl(url):
    """What `curl` prints: the tool that the guide names."""
    return call("curl", "--silent", "--show-error", "--fail", url).stdout


def completed(stack, value="8"):
    """Asks for a task by curl and follows its callback URL until it is no longer PENDING."""
    accepted = curl(f"{stack.app_url}/fibonacci?value={value}")
    callback = accepted.split('"callbackUrl":"')[1].split('"')[0]
    assert callback.startswith(stack.app_url)

    def ended():
        status = curl(callback)
        return None if "PENDING" in status else status

    return wait.until(ended, "the task has ended", PATIENCE, pause=0.2)


def test_there_are_exactly_four_containers(stack):
    running = [c for c in stack.containers() if c["State"]["Running"]]
    assert len(running) == len(stack.containers()) == 4
    assert [len(stack.of(service)) for service in ["app", "broker", "worker"]] == [1, 1, 2]


def test_the_curl_lines_of_the_guide_work_through_the_published_port(stack):
    assert curl(stack.app_url + "/").strip()
    assert completed(stack).replace(" ", "") == '{"status":"COMPLETED","value":13}'
    assert '"status":"FAILED"' in completed(stack, "-1").replace(" ", "")


def test_the_broker_answers_on_its_published_port_and_names_urls_that_work_there(stack):
    aws = sqs.client(stack.broker_url)
    url = aws.get_queue_url(QueueName=TASK_QUEUE)["QueueUrl"]
    assert url == f"{stack.broker_url}/{sqs.ACCOUNT}/{TASK_QUEUE}"


def test_no_container_runs_as_root(stack):
    for container in stack.containers():
        assert container["Config"]["User"] == "10001:10001"
        assert podman("exec", container["Id"], "id", "-u").stdout.strip() == "10001"


def test_no_container_can_write_to_its_image_or_gain_rights(stack):
    for container in stack.containers():
        assert container["HostConfig"]["ReadonlyRootfs"]
        assert not container["EffectiveCaps"]
        assert "no-new-privileges" in str(container["HostConfig"]["SecurityOpt"])
        wrote = podman("exec", container["Id"], "touch", "/usr/local/bin/x", check=False)
        assert wrote.returncode != 0


def test_every_container_is_healthy_by_its_own_check(stack):
    for container in stack.containers():
        wait.until(
            lambda c=container: podman("healthcheck", "run", c["Id"], check=False).returncode == 0,
            f"{container['Name']} is healthy",
            30,
        )


def test_ports_are_published_to_this_machine_only(stack):
    for service in ["app", "broker"]:
        exposed = stack.of(service)[0]["HostConfig"]["PortBindings"].values()
        # A port that is exposed and not published has no bindings.
        published = [binding["HostIp"] for bindings in exposed for binding in bindings or []]
        assert published == ["127.0.0.1"]


def test_a_container_that_is_stopped_ends_with_0(stack):
    worker = stack.of("worker")[0]
    podman("stop", "--time", "30", worker["Id"])
    assert podman("inspect", "--format", "{{.State.ExitCode}}", worker["Id"]).stdout.strip() == "0"
    # The other one goes on alone.
    assert "COMPLETED" in completed(stack)
    podman("start", worker["Id"])


def test_tasks_and_messages_survive_the_containers(stack):
    answer = await_app(stack)
    callback = answer.json()["callbackUrl"]
    wait.until(lambda: "COMPLETED" in http.get(callback).text, "the task has ended", PATIENCE, pause=0.2)
    aws = sqs.client(stack.broker_url)
    url = aws.create_queue(QueueName="kept")["QueueUrl"]
    aws.send_message(QueueUrl=url, MessageBody="kept")

    stack("down")
    assert stack.containers() == []
    stack("up", "--detach", "--no-build")
    await_app(stack)

    assert "COMPLETED" in http.get(callback).text
    assert [m["Body"] for m in sqs.receive(aws, url, WaitTimeSeconds=5)] == ["kept"]


# ── what cannot be run here, as configuration ────────────────────────────────────────────────────────────


def services(*files, **variables):
    """The services that compose would start with these files, by name."""
    compose = Compose("longshore-config", files=files, **variables)
    return yaml.safe_load(compose("config").stdout)["services"]


def test_by_default_the_broker_is_ours():
    found = services("compose.yaml")
    assert set(found) == {"app", "broker", "worker"}
    assert found["worker"]["scale"] == 2
    assert found["app"]["environment"]["LONGSHORE_ENDPOINT_URL"] == "http://broker:9324"


def test_localstack_takes_the_place_of_the_broker():
    found = services("compose.yaml", "deploy/localstack.yaml")
    assert set(found) == {"app", "worker", "localstack", "queues"}
    for role in ["app", "worker"]:
        assert found[role]["environment"]["LONGSHORE_ENDPOINT_URL"] == "http://localstack:4566"
        assert set(found[role]["depends_on"]) == {"localstack"}
    assert found["queues"]["command"] == ["queues", "apply"]


def test_amazon_sqs_takes_the_place_of_the_broker():
    found = services("compose.yaml", "deploy/amazon.yaml", AWS_REGION="eu-central-1")
    assert set(found) == {"app", "worker"}
    for role in ["app", "worker"]:
        assert "LONGSHORE_ENDPOINT_URL" not in found[role]["environment"]
        assert found[role]["environment"]["AWS_REGION"] == "eu-central-1"
        assert not found[role].get("depends_on")


def test_the_dockerfile_has_nothing_that_a_linter_complains_about():
    call(Path(sys.executable).parent / "hadolint", REPOSITORY / "Dockerfile")


def test_the_build_stage_finds_what_cargo_reads():
    # Everything that is excluded but for a list: the list must name each member of the workspace.
    listed = (REPOSITORY / ".dockerignore").read_text().split()
    members = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["members"]
    for path in ["Cargo.toml", "Cargo.lock", *(member.split("/")[0] for member in members)]:
        assert f"!{path}" in listed, path
