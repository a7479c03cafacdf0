"""Who says it, and how it travels: resource, headers, endpoints."""

import os
import socket
import uuid

import pytest

from harness import programs
from harness.agent import wait_until
from harness.receiver import Receiver


def span_of(agent, receiver, acceptor, **variables):
    assert agent.run(programs.build("dialer"), acceptor, 1, **variables).returncode == 0
    spans = receiver.wait(1)
    assert len(spans) == 1, f"{agent.relay_status().stdout}\n{agent.log()}"
    return spans[0]


@pytest.mark.parametrize(
    "name, attributes, expected",
    [
        ("mine", None, "mine"),
        ("mine", "service.name=theirs", "mine"),
        (None, "service.name=theirs", "theirs"),
        (None, None, "unknown_service:dialer"),
        ("", "", "unknown_service:dialer"),
    ],
)
def test_service_name(agent, receiver, acceptor, name, attributes, expected):
    span = span_of(agent, receiver, acceptor, OTEL_SERVICE_NAME=name, OTEL_RESOURCE_ATTRIBUTES=attributes)
    assert span.service == expected


def test_resource_attributes(agent, receiver, acceptor):
    given = "deployment.environment.name=test,team=a%2Cb%3D%C3%A9,host.name=override"
    resource = span_of(agent, receiver, acceptor, OTEL_RESOURCE_ATTRIBUTES=given).resource
    assert resource["deployment.environment.name"] == "test"
    assert resource["team"] == "a,b=é"
    assert resource["host.name"] == "override"  # the user's word wins over what was detected


def test_undecodable_resource_attributes_are_discarded_whole(agent, receiver, acceptor):
    resource = span_of(agent, receiver, acceptor, OTEL_RESOURCE_ATTRIBUTES="team=a,broken=%zz").resource
    assert "team" not in resource
    assert "broken" not in resource


def test_what_is_detected(agent, receiver, acceptor):
    program = programs.build("dialer")
    process = agent.start(program, acceptor, 1)
    assert process.wait(20) == 0
    (span,) = receiver.wait(1)
    resource = span.resource
    assert resource["process.pid"] == process.pid
    assert resource["process.executable.name"] == "dialer"
    assert resource["host.name"] == socket.gethostname()
    assert resource["host.arch"] == {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    assert resource["os.type"] == "linux"
    assert (resource["telemetry.sdk.name"], resource["telemetry.sdk.language"]) == ("otelagent", "swift")
    assert resource["telemetry.distro.name"] == "otelagent"
    assert uuid.UUID(resource["service.instance.id"]).version == 4
    assert "process.command_args" not in resource  # may hold secrets


def test_one_process_is_one_instance(agent, receiver, acceptor):
    assert agent.run(programs.build("dialer"), acceptor, 5).returncode == 0
    assert agent.run(programs.build("dialer"), acceptor, 5).returncode == 0
    spans = receiver.wait(10)
    assert len(spans) == 10
    assert len({span.resource["service.instance.id"] for span in spans}) == 2


def test_headers_are_sent_and_never_shown(agent, receiver, acceptor):
    span_of(agent, receiver, acceptor, OTEL_EXPORTER_OTLP_HEADERS="api-key=canary-27182,Authorization=Basic%20Y2FuYXJ5")
    headers = {name.lower(): value for name, value in receiver.requests[0].items()}
    assert headers["api-key"] == "canary-27182"
    assert headers["authorization"] == "Basic Y2FuYXJ5"
    shown = agent.relay_status().stdout + agent.log()
    assert "canary" not in shown and "Y2FuYXJ5" not in shown


def test_traces_endpoint_is_used_as_it_is(agent, receiver, acceptor):
    endpoint = f"{receiver.url}/v1/traces"
    span_of(agent, receiver, acceptor, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=endpoint)


def test_two_endpoints_one_a_black_hole(agent, receiver, acceptor):
    dark = Receiver()
    dark.mode = "hang"
    try:
        for _ in range(5):
            assert agent.run(programs.build("dialer"), acceptor, 1, OTEL_EXPORTER_OTLP_ENDPOINT=dark.url).returncode == 0
        # The black hole's own time-out is 10 s: who waited for it would come later than this.
        assert agent.run(programs.build("dialer"), acceptor, 1).returncode == 0
        assert len(receiver.wait(1, timeout=5)) == 1
    finally:
        dark.stop()


def test_a_collector_that_comes_back_gets_everything(agent, receiver, acceptor):
    receiver.mode = 503
    assert agent.run(programs.build("dialer"), acceptor, 50).returncode == 0
    assert wait_until(lambda: "503" in agent.relay_status().stdout)
    receiver.mode = "ok"
    assert len(receiver.wait(50)) == 50


def test_batches_follow_the_processs_own_setting(agent, receiver, acceptor):
    variables = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 10, "OTEL_BSP_SCHEDULE_DELAY": 60_000}
    process = agent.start(programs.build("dialer"), acceptor, 30, 0, "-", 10_000_000, environment=agent.environment(**variables))
    try:
        # Long before the delay, and while it lives: batches are full.
        assert len(receiver.wait(30, timeout=5)) == 30
        assert len(receiver.requests) >= 3
    finally:
        process.kill()
        process.wait()
