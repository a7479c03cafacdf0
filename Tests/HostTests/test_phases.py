"""OTEL_NATIVE_CURL_PHASES: what a transfer spent its time with, as children of its span."""

import json

import pytest

from harness import programs
from harness.agent import REPOSITORY
from harness.httpservers import Nginx, tinyproxy
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome
from harness.webserver import closed_port

CLIENT, INTERNAL = 3, 1
SCOPE = "otelagent.instrumentation.curl"
ON = {"OTEL_NATIVE_CURL_PHASES": "true"}
PYTHON = "/usr/bin/python3"
# Debian's libcurl, and those of wheels: 7.61, and 8.23, which takes its times in another way.
PACKAGES = {"debian": None, "pycurl-7.45.3": REPOSITORY / ".build-python/wheels/pycurl-7.45.3", "pycurl-7.49.0": REPOSITORY / ".build-python/wheels/pycurl-7.49.0"}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("phases"))
    yield nginx
    nginx.stop()


def run(agent, *words, exit_status=0, **variables):
    """Twins, but for what two runs have different: how long they took."""
    bare = outcome(agent.run_bare(*words, **variables), agent)
    traced = outcome(agent.run(*words, **variables), agent)
    assert (traced.status, traced.stdout) == (bare.status, bare.stdout) and len(traced.stderr) - len(bare.stderr) in range(-9, 9)
    assert traced.status == exit_status, traced


def families(receiver, transfers, children):
    """For each transfer's span, in the order of their beginning, its children in theirs. All lie within it, and each begins where the last has ended or later."""
    spans = receiver.wait(transfers + children)
    assert len(spans) == transfers + children, [span.name for span in spans]
    parents = sorted((span for span in spans if span.kind == CLIENT), key=lambda span: span.start)
    found = []
    for parent in parents:
        # Two may begin together when the first took no time.
        parts = sorted((span for span in spans if span.parent_span_id == parent.span_id), key=lambda span: (span.start, span.end))
        last = parent.start
        for part in parts:
            assert (part.kind, part.scope, part.trace_id) == (INTERNAL, SCOPE, parent.trace_id)
            assert last <= part.start <= part.end <= parent.end
            last = part.end
        found.append((parent, parts))
    assert sum(len(parts) for _, parts in found) == children
    return found


def told(parts):
    return [(part.name, part.attributes, part.status) for part in parts]


def lookup(**more):
    return ("DNS lookup localhost", {"dns.question.name": "localhost"} | more, STATUS_ERROR if more else STATUS_UNSET)


def connection(port, address="127.0.0.1"):
    attributes = {"network.peer.address": address, "network.peer.port": port, "network.type": "ipv6" if ":" in address else "ipv4"}
    return (f"socket connect {address}:{port}", attributes, STATUS_UNSET)


def handshake(host="localhost", **more):
    attributes = {"tls.protocol.name": "tls", "server.address": host} | more
    return (f"TLS client handshake {host}", attributes, STATUS_ERROR if more else STATUS_UNSET)


def response(port, host="localhost", **more):
    attributes = {"server.address": host, "server.port": port} | more
    return (f"HTTP wait_for_response {host}:{port}", attributes, STATUS_ERROR if more else STATUS_UNSET)


def curl(*words):
    return ["curl", "-sS", "-4", *words]


def test_off_by_default(agent, receiver, nginx):
    run(agent, *curl(f"http://localhost:{nginx.ports['http']}/ten"))
    families(receiver, 1, 0)


def test_of_a_request_without_tls(agent, receiver, nginx):
    port = nginx.ports["http"]
    run(agent, *curl(f"http://localhost:{port}/ten"), **ON)
    ((_, parts),) = families(receiver, 1, 3)
    assert told(parts) == [lookup(), connection(port), response(port)]


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_of_a_request_with_tls(agent, receiver, nginx, version):
    port = nginx.ports["tls"]
    run(agent, *curl(version, "--cacert", nginx.authority, f"https://localhost:{port}/ten"), **ON)
    ((_, parts),) = families(receiver, 1, 4)
    assert told(parts) == [lookup(), connection(port), handshake(), response(port)]
    assert all(part.end > part.start for part in parts)


def test_an_address_is_not_looked_up(agent, receiver, nginx):
    port = nginx.ports["http"]
    run(agent, "curl", "-sS", "-g", f"http://[::1]:{port}/ten", **ON)
    ((_, parts),) = families(receiver, 1, 2)
    assert told(parts) == [connection(port, "::1"), response(port, "::1")]


def test_a_unix_socket(agent, receiver, nginx):
    run(agent, "curl", "-sS", "--unix-socket", nginx.socket, "http://nginx/ten", **ON)
    ((parent, parts),) = families(receiver, 1, 2)
    assert (parent.attributes["network.peer.address"], parent.attributes.get("network.peer.port")) == (str(nginx.socket), None)
    path = str(nginx.socket)
    name = f"socket connect {path}" if len(path) < 96 else "socket connect"
    assert told(parts) == [(name, {"network.peer.address": path, "network.transport": "unix"}, STATUS_UNSET), response(80, "nginx")]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("interface", ["easy", "multi"])
def test_a_connection_that_is_there_already(agent, receiver, nginx, package, interface):
    port = nginx.ports["http"]
    command = [PYTHON, programs.SOURCES / "pycurl_twice.py", interface, f"http://localhost:{port}/ten"]
    run(agent, *command, **ON, PYTHONPATH=PACKAGES[package])
    (_, first), (_, second) = families(receiver, 2, 4)
    assert told(first) == [lookup(), connection(port), response(port)]
    assert told(second) == [response(port)]


def test_several_requests_in_one_transfer_are_not_told_apart(agent, receiver, nginx):
    port = nginx.ports["http"]
    run(agent, *curl("-L", f"http://localhost:{port}/redirect"), **ON)
    run(agent, *curl("--anyauth", "-u", "user:word", f"http://localhost:{port}/basic/ten"), **ON)
    assert [parent.attributes["http.request.resend_count"] for parent, _ in families(receiver, 2, 0)] == [1, 1]


# MARK: Failures


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_that_is_unknown(agent, receiver, package):
    command = [PYTHON, programs.SOURCES / "pycurl_twice.py", "easy", "http://no-such.invalid/"]
    run(agent, *command, **ON, PYTHONPATH=PACKAGES[package])
    for parent, parts in families(receiver, 2, 2):
        assert parent.error == "name_resolution_error"
        assert told(parts) == [("DNS lookup no-such.invalid", {"dns.question.name": "no-such.invalid", "error.type": "name_resolution_error"}, STATUS_ERROR)]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("interface", ["easy", "multi"])
def test_refused(agent, receiver, package, interface):
    command = [PYTHON, programs.SOURCES / "pycurl_twice.py", interface, f"http://localhost:{closed_port()}/"]
    run(agent, *command, **ON, PYTHONPATH=PACKAGES[package])
    for _, parts in families(receiver, 2, 4):
        assert told(parts) == [lookup(), ("socket connect", {"error.type": "connection_refused"}, STATUS_ERROR)]


def test_connecting_takes_too_long(agent, receiver, busy_port):
    run(agent, *curl("--connect-timeout", "0.3", f"http://localhost:{busy_port}/"), exit_status=28, **ON)
    ((_, parts),) = families(receiver, 1, 2)
    assert told(parts) == [lookup(), ("socket connect", {"error.type": "timed_out"}, STATUS_ERROR)]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_handshake_that_fails(agent, receiver, nginx, package):
    port = nginx.ports["tls"]
    command = [PYTHON, programs.SOURCES / "pycurl_twice.py", "easy", f"https://localhost:{port}/ten"]
    run(agent, *command, **ON, PYTHONPATH=PACKAGES[package])
    expected = [lookup(), connection(port), handshake(**{"error.type": "secure_connection_error"})]
    if package == "debian":
        # libcurl 7.88 tells when the connection was there only if the handshake succeeds: where one ends and the other begins is not known.
        expected = [lookup()]
    for parent, parts in families(receiver, 2, 2 * len(expected)):
        assert (told(parts), parent.error) == (expected, "secure_connection_error")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_response_takes_too_long(agent, receiver, web, package):
    command = [PYTHON, programs.SOURCES / "pycurl_twice.py", "easy", f"http://localhost:{web.port}/held"]
    run(agent, *command, **ON, PYTHONPATH=PACKAGES[package])
    for parent, parts in families(receiver, 2, 6):
        assert told(parts) == [lookup(), connection(web.port), response(web.port, **{"error.type": "timeout"})]
        assert parts[-1].end == parent.end


# MARK: Proxies


def test_behind_a_proxy(agent, receiver, nginx, tmp_path):
    """Whose name was looked up, and when a tunnel was there, libcurl does not say."""
    with tinyproxy(tmp_path) as proxy:
        port = nginx.ports["http"]
        run(agent, *curl("-x", f"http://localhost:{proxy}", f"http://localhost:{port}/ten"), **ON)
        run(agent, *curl(f"http://localhost:{port}/ten"), **ON, http_proxy=f"http://localhost:{proxy}")
        run(agent, *curl("-p", "-x", f"http://localhost:{proxy}", f"http://localhost:{port}/ten"), **ON)
    (_, plain), (_, by_environment), (_, tunnel) = families(receiver, 3, 5)
    assert told(plain) == told(by_environment) == [connection(proxy), response(port)]
    assert told(tunnel) == [response(port)]


# MARK: Elsewhere


def test_on_the_console(agent, nginx):
    port = nginx.ports["tls"]
    words = curl("--cacert", nginx.authority, f"https://localhost:{port}/ten")
    done = agent.run(*words, **ON, OTEL_TRACES_EXPORTER="console")
    spans = [json.loads(line) for line in done.stderr.splitlines()]
    assert [span["name"] for span in spans] == [
        "GET", "DNS lookup localhost", f"socket connect 127.0.0.1:{port}", "TLS client handshake localhost", f"HTTP wait_for_response localhost:{port}"
    ]  # fmt: skip
    assert {span["parent_id"] for span in spans[1:]} == {spans[0]["context"]["span_id"]}
    assert {span["kind"] for span in spans[1:]} == {"SpanKind.INTERNAL"}
    assert all(spans[0]["start_time"] <= span["start_time"] <= span["end_time"] <= spans[0]["end_time"] for span in spans[1:])


def test_what_is_not_sampled_has_none(agent, receiver, nginx):
    run(agent, *curl(f"http://localhost:{nginx.ports['http']}/ten"), **ON, OTEL_TRACES_SAMPLER="always_off")
    assert not receiver.spans
    assert "dropped in the processes" not in agent.relay_status().stdout


def test_curl_parallel(agent, receiver, nginx, tmp_path):
    port = nginx.ports["http"]
    urls = [word for number in range(20) for word in (f"http://localhost:{port}/ten?{number}", "-o", tmp_path / str(number))]
    run(agent, *curl("--no-progress-meter", "--parallel", *urls), **ON)
    assert receiver.wait_until(lambda spans: len({span.parent_span_id for span in spans if span.kind == INTERNAL and "wait_for" in span.name}) == 20)
    parents = {span.span_id: span for span in receiver.spans if span.kind == CLIENT}
    for span in receiver.spans:
        if span.kind == INTERNAL:
            assert parents[span.parent_span_id].start <= span.start <= span.end <= parents[span.parent_span_id].end
