"""Beside another OpenTelemetry SDK: nothing is told twice, and telemetry about telemetry is not told at all."""

import shutil

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness import programs
from harness.agent import REPOSITORY, wait_until
from harness.webserver import WebServer

VENV = REPOSITORY / ".build-python/bin"
CLIENT = programs.SOURCES / "exporting_client.py"
OWN_ID = "b7ad6b7169203331"


def exported(collector):
    """(name, scope) of each span that came to a plain web server as OTLP."""
    return [
        (span.name, scope.scope.name)
        for request in collector.requests
        if request.target == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def instrumented(agent, web, collector, run, **variables):
    """The requests library under OpenTelemetry's own agent for Python; what each request and each exported span was."""
    command = [VENV / "opentelemetry-instrument", VENV / "python", programs.SOURCES / "requests_client.py", web.url]
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    settings |= {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    done = run(*command, **settings, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "200\n200\n", "")
    # Two traceparents in one request would have failed here.
    traced = [request.traceparent is not None for request in web.requests]
    web.requests.clear()
    return traced


@pytest.fixture
def collector():
    collector = WebServer()
    yield collector
    collector.stop()


def test_python_under_its_own_agent(agent, web, collector):
    """Its spans, headers and output are the same without and with us, and no span of ours is added."""
    wanted = 2 * [("GET", "opentelemetry.instrumentation.requests")]
    for run in (agent.run_bare, agent.run):
        assert instrumented(agent, web, collector, run) == [True, True]
        assert exported(collector) == wanted
        collector.requests.clear()
    assert agent.relays() == []


def test_both_when_asked_for(agent, web, collector):
    assert instrumented(agent, web, collector, agent.run, OTEL_NATIVE_STAND_DOWN="false") == [True, True]
    # Two connects of the program, at least; the exporter's come on top.
    assert wait_until(lambda: len([name for name, _ in exported(collector) if name.startswith("socket connect")]) >= 2)


AUTO = "/opt/lib/opentelemetry/instrumentation/auto_instrumentation"
AGENTS = {
    "python3.11": ({"PYTHONPATH": f"{AUTO}:/opt/lib"}, ()),
    "java": ({"JAVA_TOOL_OPTIONS": "-Xmx1g -javaagent:/opt/opentelemetry-javaagent.jar"}, ()),
    "java argument": ({}, ("-javaagent:/opt/opentelemetry-javaagent-2.1.0.jar",)),
    "node": ({"NODE_OPTIONS": "--require @opentelemetry/auto-instrumentations-node/register"}, ()),
    "node argument": ({}, ("--import=@opentelemetry/auto-instrumentations-node/register",)),
    "node operator": ({"NODE_OPTIONS": "--require /otel-auto-instrumentation-nodejs/autoinstrumentation.js"}, ()),
    "ruby3.1": ({"RUBYOPT": "-r opentelemetry-auto-instrumentation"}, ()),
    "php8.2": ({"OTEL_PHP_AUTOLOAD_ENABLED": "true"}, ()),
    "dotnet": ({"CORECLR_PROFILER": "{918728DD-259F-4A6A-AC2B-B85E1B658318}"}, ()),
}


@pytest.mark.parametrize("way", AGENTS)
def test_it_stands_down(agent, receiver, acceptor, tmp_path, way):
    """A program called as a language's runtime is, with what its agent is brought in by, and, as the control, without."""
    variables, arguments = AGENTS[way]
    program = shutil.copy(programs.build("dialer"), tmp_path / way.split()[0])
    launched = agent.launch(program, acceptor, 3, *arguments, **variables)
    assert launched.returncode == 0
    assert "stands down" in launched.stderr and "OTEL_NATIVE_STAND_DOWN=false" in launched.stderr
    assert agent.run(program, acceptor, 3, *arguments, **variables).returncode == 0
    # Another runtime, or another program, inherits the variables and is none of the agent's.
    other = shutil.copy(programs.build("dialer"), tmp_path / "shop")
    assert agent.run(other, acceptor, 3, *arguments, OTEL_SERVICE_NAME="control", **variables).returncode == 0
    assert agent.run(program, acceptor, 3, OTEL_SERVICE_NAME="control").returncode == 0
    assert len(receiver.wait(6)) == 6
    assert {span.service for span in receiver.spans} == {"control"}


@pytest.mark.parametrize("value", ["false", " FALSE "])
def test_the_launcher_takes_the_variable_as_the_agent_does(agent, value):
    launched = agent.launch("/usr/bin/python3", "-c", "", PYTHONPATH=AUTO, OTEL_NATIVE_STAND_DOWN=value)
    assert (launched.returncode, launched.stderr) == (0, "")


def test_the_check_says_so(agent):
    done = agent.launch("/usr/bin/python3", options=["--check"], PYTHONPATH=AUTO)
    assert done.returncode == 1
    assert done.stdout.startswith("/usr/bin/python3: cannot be traced: OpenTelemetry's agent for Python traces it, ")


@pytest.mark.parametrize("interface", [[], ["multi"]], ids=["easy", "multi"])
@pytest.mark.parametrize("export", ["export", "agent", "protobuf"])
def test_an_exporter_by_libcurl(agent, receiver, web, interface, export):
    """Its requests are no spans and get no header. Until it shows, what has a traceparent is traced below it, afterwards left to it."""
    steps = ["own", "plain", export, export, "own", "plain", "json"]
    done = agent.run("/usr/bin/python3", CLIENT, web.url, *interface, *steps)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"{step} 200\n" for step in steps)
    spans = receiver.wait(4)
    assert sorted((span.name, span.attributes["url.full"].removeprefix(web.url), span.parent_span_id) for span in spans) == [
        ("GET", "/own", OWN_ID),
        ("GET", "/plain", ""),
        ("GET", "/plain", ""),
        ("POST", "/v1/logs", ""),
    ]
    headers = [(request.target, request.traceparent is not None) for request in web.requests]
    path = headers[2][0]
    assert headers == [
        ("/own", True), ("/plain", True), (path, False), (path, False), ("/own", True), ("/plain", True), ("/v1/logs", True),
    ]  # fmt: skip


def test_both_in_one_program_when_asked_for(agent, receiver, web):
    done = agent.run("/usr/bin/python3", CLIENT, web.url, "export", "own", OTEL_NATIVE_STAND_DOWN="false")
    assert done.returncode == 0
    (span,) = receiver.wait(1)
    assert (span.name, span.parent_span_id) == ("GET", OWN_ID)
    assert [request.traceparent is not None for request in web.requests] == [False, True]
