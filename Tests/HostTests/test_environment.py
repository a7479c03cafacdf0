"""The rules for reading variables (specification, configuration/common.md and sdk-environment-variables.md), through what ships."""

import re

import pytest

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def launch(agent, web, **variables):
    """One curl under the launcher; what the launcher said."""
    done = agent.launch("curl", "-sS", "-o", "/dev/null", f"{web.url}/", **variables)
    assert done.returncode == 0
    return [line.removeprefix("otel-instrument: ") for line in done.stderr.splitlines()]


def said_about(lines, name):
    return [line for line in lines if name in line]


# Booleans: true in any case is true, and nothing else is.


@pytest.mark.parametrize("value, is_off, warns", [
    ("TRUE", True, False), ("true", True, False), ("tRuE", True, False), (" true\t", True, False), ("1", False, True), ("yes", False, True), ("on", False, True), ("t", False, True),
    ("false", False, False), ("FALSE", False, False), ("", False, False), ("0", False, True), ("truee", False, True),
])  # fmt: skip
def test_a_switch(agent, receiver, web, value, is_off, warns):
    """OTEL_SDK_DISABLED: no span, and the trace still goes on to the server."""
    lines = launch(agent, web, OTEL_SDK_DISABLED=value, TRACEPARENT=TRACEPARENT)
    assert bool(lines) == warns and len(lines) <= 1
    carried = web.requests[0].traceparent
    if is_off:
        assert carried == TRACEPARENT
    else:
        (span,) = receiver.wait(1)
        assert (span.trace_id, span.parent_span_id) == (TRACE, SPAN) and carried[3:52] == f"{TRACE}-{span.span_id}"
    launch(agent, web, OTEL_SERVICE_NAME="last")
    receiver.wait(1, where=lambda span: span.service == "last")
    assert len([span for span in receiver.spans if span.service != "last"]) == (0 if is_off else 1)


@pytest.mark.parametrize("value, warns", [("true", False), ("1", True), ("False", False), ("", False)])
def test_a_switch_that_is_on_by_default(agent, receiver, web, value, warns):
    """OTEL_NATIVE_DLSYM: set to anything but true it is off, as every switch; unset and empty it is on."""
    lines = launch(agent, web, OTEL_NATIVE_DLSYM=value)
    assert bool(said_about(lines, "OTEL_NATIVE_DLSYM")) == warns
    assert receiver.wait(1)


# Numbers and durations: digits alone, or the default.


@pytest.mark.parametrize("name, value", [
    ("OTEL_BSP_SCHEDULE_DELAY", "-5"), ("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTEL_BSP_SCHEDULE_DELAY", "1.5"), ("OTEL_BSP_EXPORT_TIMEOUT", "-1"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", "-1"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2147483648"),
])  # fmt: skip
def test_what_is_no_number_is_named_and_ignored(agent, receiver, web, name, value):
    (line,) = launch(agent, web, **{name: value})
    assert line.count(name) == 1 and value in line and re.search("the default .* applies|counts as unset", line)
    (span,) = receiver.wait(1)
    assert (len(span.attributes), span.dropped_attributes) == (8, 0)
    assert span.attributes["url.full"] == f"{web.url}/"


def test_no_limit_of_time(agent, receiver, web):
    """OTEL_EXPORTER_OTLP_TIMEOUT=0 is no limit, and not one of no time; nor are those of a batch."""
    assert launch(agent, web, OTEL_EXPORTER_OTLP_TIMEOUT="0", OTEL_BSP_EXPORT_TIMEOUT="0", OTEL_BSP_SCHEDULE_DELAY="0") == []
    assert receiver.wait(1) and agent.relay_report()


@pytest.mark.parametrize("queue, batch, warns", [("10", None, False), ("10", "20", True), ("100", "100", False), (None, "4096", True)])
def test_a_batch_is_not_more_than_the_queue(agent, receiver, web, queue, batch, warns):
    lines = launch(agent, web, OTEL_BSP_MAX_QUEUE_SIZE=queue, OTEL_BSP_MAX_EXPORT_BATCH_SIZE=batch)
    assert bool(said_about(lines, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")) == warns == bool(lines)
    assert receiver.wait(1)


# Enumerations: in any case; unknown ones are named and the default applies.


@pytest.mark.parametrize("sampler, argument, is_sampled, warns", [
    ("traceidratio", "2", True, "OTEL_TRACES_SAMPLER_ARG"), ("traceidratio", "-0.1", True, "OTEL_TRACES_SAMPLER_ARG"), ("traceidratio", "none", True, "OTEL_TRACES_SAMPLER_ARG"),
    ("traceidratio", "0", False, None), ("traceidratio", None, True, None), (None, "0", True, "OTEL_TRACES_SAMPLER_ARG"), ("", "0", True, "OTEL_TRACES_SAMPLER_ARG"),
    ("PARENTBASED_TRACEIDRATIO", "0", False, None), ("PARENTBASED_TRACEIDRATIO", "1", True, None), ("Always_Off", None, False, None), ("sometimes", None, True, "OTEL_TRACES_SAMPLER"),
    ("jaeger_remote", None, True, "OTEL_TRACES_SAMPLER"), ("xray", None, True, "OTEL_TRACES_SAMPLER"),
])  # fmt: skip
def test_samplers(agent, web, sampler, argument, is_sampled, warns):
    lines = launch(agent, web, OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=argument)
    assert int(web.requests[0].traceparent[-2:], 16) & 1 == is_sampled
    assert len(lines) == (1 if warns else 0) and all(line.startswith(warns) for line in lines)


@pytest.mark.parametrize("exporters, arrives, warns", [
    ("", True, False), ("OTLP", True, False), ("otlp,otlp", True, False), ("none", False, False), ("zipkin", True, True), ("otlp/stdout", True, True), ("logging", True, True), (" , ", True, False),
])  # fmt: skip
def test_exporters(agent, receiver, web, exporters, arrives, warns):
    assert bool(launch(agent, web, OTEL_TRACES_EXPORTER=exporters)) == warns
    launch(agent, web, OTEL_SERVICE_NAME="last")
    receiver.wait(1, where=lambda span: span.service == "last")
    assert bool([span for span in receiver.spans if span.service != "last"]) == arrives


# The resource


@pytest.mark.parametrize("attributes, name, service, extra, warns", [
    ("a=1,b=%zz", None, "unknown_service:curl", {}, True), ("service.name=x", "y", "y", {}, False), ("service.name=x,team=a%2Cb", None, "x", {"team": "a,b"}, False),
    ("service.name=x", "", "x", {}, False), ("", "y", "y", {}, False),
])  # fmt: skip
def test_resource(agent, receiver, web, attributes, name, service, extra, warns):
    assert bool(launch(agent, web, OTEL_RESOURCE_ATTRIBUTES=attributes, OTEL_SERVICE_NAME=name)) == warns
    (span,) = receiver.wait(1)
    assert span.service == service
    assert {key: span.resource.get(key) for key in ("a", "b", "team") if key in span.resource} == extra


# Limits: 0 keeps none, the span's own before the general one, and what was dropped is counted.


@pytest.mark.parametrize("variables, kept", [
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "0"}, 0), ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0"}, 0), ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "5"}, 5),
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "5", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "7"}, 7), ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "5"}, 5),
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "5", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ""}, 5), ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "2147483647"}, 8),
    ({"OTEL_SPAN_EVENT_COUNT_LIMIT": "0", "OTEL_SPAN_LINK_COUNT_LIMIT": "0", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "0", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "0"}, 8),
    ({"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "0"}, 8),
], ids=str)  # fmt: skip
def test_count_limits(agent, receiver, web, variables, kept):
    assert launch(agent, web, **variables) == []
    (span,) = receiver.wait(1)
    assert (len(span.attributes), span.dropped_attributes) == (kept, 8 - kept)


@pytest.mark.parametrize("variables, length", [
    ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0"}, 0), ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"}, 4),
    ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9"}, 9), ({"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"}, None),
], ids=str)  # fmt: skip
def test_length_limits(agent, receiver, web, variables, length):
    assert launch(agent, web, **variables) == []
    (span,) = receiver.wait(1)
    assert span.attributes["url.full"] == f"{web.url}/"[:length] and span.attributes["server.port"] == web.port
    assert span.dropped_attributes == 0


# What is not supported says so, and changes nothing.


@pytest.mark.parametrize("name", ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE", "OTEL_ENTITIES"])
def test_what_is_not_supported_says_so(agent, receiver, web, name):
    (line,) = launch(agent, web, **{name: "/etc/otel.yaml"})
    assert line.startswith(f"{name} is set but") and "has no effect, and the other variables apply" in line
    assert receiver.wait(1)[0].service == "host-test"


@pytest.mark.parametrize("entry", [
    "OTEL_SEMCONV_STABILITY_OPT_IN=http/dup,database", "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=logs", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=console",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT=http://localhost:9411/", "OTEL_EXPORTER_OTLP_INSECURE=true", "OTEL_BLRP_SCHEDULE_DELAY=1",
])  # fmt: skip
def test_what_changes_nothing_is_accepted(agent, receiver, web, entry):
    name, _, value = entry.partition("=")
    assert launch(agent, web, **{name: value}) == []
    (span,) = receiver.wait(1)
    assert len(span.attributes) == 8


# By LD_PRELOAD alone nobody is told on standard error; the relay's log and its status say it.


def test_without_the_launcher_the_relay_says_it(agent, receiver, web):
    wrong = {
        "OTEL_SDK_DISABLED": "1", "OTEL_TRACES_SAMPLER": "sometimes", "OTEL_PROPAGATORS": "b3,foo", "OTEL_BSP_SCHEDULE_DELAY": "5s", "OTEL_NATIVE_EXCLUDED_URLS": "(",
        "OTEL_RESOURCE_ATTRIBUTES": "a=1,b=%zz", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many", "OTEL_EXPORTER_OTLP_HEADERS": "canary", "OTEL_TRACE_SAMPLER": "always_on",
    }  # fmt: skip
    for _ in range(2):
        done = agent.run("curl", "-sS", web.url, **wrong)
        assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.wait(2)) == 2
    told = agent.relay_report()["settings"]
    assert sorted(setting["variable"] for setting in told) == sorted(wrong)
    for setting in told:
        assert "canary" not in setting["message"] and len(setting["message"]) > 30, setting
    # Each once, however many processes have it.
    said = re.findall(r"\] (OTEL_\w+)", agent.log())
    assert sorted(said) == sorted(wrong)
    assert all(name in agent.relay_status().stdout for name in wrong)
