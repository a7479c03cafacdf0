"""What says where a request goes beside CURLOPT_URL: the span has what was requested, or nothing of it; never something else."""

import json

import pytest

from harness import programs
from harness.flush import flush
from harness.twin import outcome

SCOPE = "otelagent.instrumentation.curl"
URL = ("url.full", "server.address", "server.port")


def twin(agent, *command, **variables):
    """Runs it without and with the agent."""
    bare, traced = agent.run_bare(*command), agent.run(*command, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    return bare


def requests(agent, receiver, web):
    return [span for span in flush(agent, receiver, web) if span.scope == SCOPE]


def told(span):
    return tuple(span.attributes.get(key) for key in URL)


@pytest.mark.parametrize("given", ["http://127.0.0.1/x?a=1", "http://127.0.0.1:1/x?a=1", "127.0.0.1/x?a=1", "http://user:word@127.0.0.1:9/x?a=1"])
@pytest.mark.parametrize("names", [("URL", "PORT"), ("PORT", "URL")], ids=["URL first", "PORT first"])
def test_port(agent, receiver, web, given, names):
    options = {"URL": given, "PORT": web.port}
    command = ["/usr/bin/python3", programs.SOURCES / "pycurl_options.py", json.dumps({name: options[name] for name in names})]
    twin(agent, *command)
    (span,) = requests(agent, receiver, web)
    secret = "REDACTED:REDACTED@" if "@" in given else ""
    assert told(span) == (f"http://{secret}127.0.0.1:{web.port}/x?a=1", "127.0.0.1", web.port)
    assert span.attributes["network.peer.port"] == web.port
    assert [request.target for request in web.requests[:2]] == 2 * ["/x?a=1"]


def test_phases_behind_the_option_port(agent, receiver, web):
    """The port is the server's, not a proxy's."""
    options = json.dumps({"URL": "http://localhost/x", "PORT": web.port})
    agent.run("/usr/bin/python3", programs.SOURCES / "pycurl_options.py", options, OTEL_NATIVE_CURL_PHASES="true")
    names = {span.name for span in requests(agent, receiver, web)}
    assert names == {"GET", "DNS lookup localhost", f"socket connect 127.0.0.1:{web.port}", f"HTTP wait_for_response localhost:{web.port}"}


def test_a_default_protocol(agent, receiver, web, tmp_path):
    """curl(1) sets it after the URL."""
    file = tmp_path / "file"
    file.write_text("content")
    assert twin(agent, "curl", "-sS", "--proto-default", "http", f"127.0.0.1:{web.port}/x").returncode == 0
    assert twin(agent, "curl", "-sS", "--proto-default", "https", f"127.0.0.1:{web.port}/y").returncode == 35
    assert twin(agent, "curl", "-sS", "--proto-default", "file", str(file)).stdout == "content"
    assert twin(agent, "curl", "-sS", "--proto-default", "ftp", "127.0.0.1:1/x").returncode == 7
    assert [told(span) for span in requests(agent, receiver, web)] == [
        (f"http://127.0.0.1:{web.port}/x", "127.0.0.1", web.port),
        (f"https://127.0.0.1:{web.port}/y", "127.0.0.1", web.port),
    ]


def test_in_parts(agent, receiver, web, tmp_path):
    """Of a URL that was given otherwise too, which libcurl ignores and tells, nothing is known."""
    file = tmp_path / "file"
    file.write_text("content\n")
    program = ["/usr/bin/python3", programs.SOURCES / "url_handle.py"]
    assert "0" in twin(agent, *program, f"{web.url}/parts").stdout.split()
    assert "0" in twin(agent, *program, f"{web.url}/both", "http://decoy.invalid/decoy").stdout.split()
    assert sorted(twin(agent, *program, f"file://{file}").stdout.split()) == ["0", "content"]
    assert twin(agent, *program, "ftp://127.0.0.1:1/").stdout == "7\n"
    first, second = requests(agent, receiver, web)
    assert told(first) == (f"{web.url}/parts", "127.0.0.1", web.port)
    assert told(second) == (None, None, None)
    assert second.attributes["network.peer.port"] == web.port and second.attributes["http.response.status_code"] == 200
    assert [request.target for request in web.requests if request.traceparent and request.target != "/last"] == ["/parts", "/both"]
