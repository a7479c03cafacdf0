"""OTEL_NATIVE_PROPAGATE_HOSTS and OTEL_NATIVE_PROPAGATE_REDIRECTS: who gets no context."""

import pytest

from harness.webserver import WebServer


def context(request):
    return [name for name, _ in request.headers if name.lower() in ("traceparent", "tracestate", "baggage", "b3")]


@pytest.mark.parametrize(
    "hosts, sent",
    [
        ("127.0.0.1", {"127.0.0.1"}),
        ("LOCALHOST, other.example", {"localhost"}),
        ("*", {"127.0.0.1", "localhost", "a.localhost"}),
        ("*.localhost", {"a.localhost"}),
        ("!localhost", {"127.0.0.1", "a.localhost"}),
        ("*,!127.0.0.1", {"localhost", "a.localhost"}),
        ("other.example", set()),
        (" , ", {"127.0.0.1", "localhost", "a.localhost"}),
    ],
)
@pytest.mark.parametrize("options", [[], ["-Z"]], ids=["easy", "multi"])
def test_hosts_that_get_a_context(agent, receiver, web, hosts, sent, options):
    names = ["127.0.0.1", "localhost", "a.localhost"]
    urls = [f"http://{name}:{web.port}/{name}" for name in names]
    done = agent.run("curl", "-sS", *options, *urls, OTEL_NATIVE_PROPAGATE_HOSTS=hosts, OTEL_PROPAGATORS="tracecontext,baggage,b3", BAGGAGE="k=v")
    assert done.returncode == 0, done.stderr
    assert {request.target[1:] for request in web.requests if context(request)} == sent
    assert {request.target[1:] for request in web.requests} == set(names)
    # Each is a span all the same.
    assert {span.attributes["server.address"] for span in receiver.wait(3)} == set(names)


def test_a_host_that_is_not_known_before_gets_none(agent, receiver, web):
    agent.run("curl", "-sS", "--proto-default", "http", f"127.0.0.1:{web.port}/", OTEL_NATIVE_PROPAGATE_HOSTS="127.0.0.1")
    agent.run("curl", "-sS", "--proto-default", "http", f"127.0.0.1:{web.port}/")
    assert len(receiver.wait(2)) == 2 and [len(context(request)) for request in web.requests] == [0, 1]
    # Nor a second time: the next one may go elsewhere.
    web.requests.clear()
    urls = [f"127.0.0.1:{web.port}/{n}" for n in range(3)]
    agent.run("curl", "-sS", "--proto-default", "http", *urls, OTEL_NATIVE_PROPAGATE_HOSTS="127.0.0.1")
    assert [len(context(request)) for request in web.requests] == [0, 0, 0] and len(receiver.wait(5)) == 5


@pytest.mark.parametrize("value, goes_along", [("false", False), ("true", True), ("no", False), ("", True)])
def test_redirects(agent, receiver, value, goes_along):
    here, there = WebServer(), WebServer("127.0.0.2")
    try:
        agent.run("curl", "-sSL", f"{here.url}/redirect?{there.url}/there", OTEL_NATIVE_PROPAGATE_REDIRECTS=value)
        assert [len(context(request)) for request in (here.requests[0], there.requests[0])] == 2 * [int(goes_along)]
        agent.run("curl", "-sS", f"{here.url}/redirect?{there.url}/there", OTEL_NATIVE_PROPAGATE_REDIRECTS=value)
        assert len(context(here.requests[1])) == 1
        assert len(receiver.wait(2)) == 2
    finally:
        here.stop()
        there.stop()
