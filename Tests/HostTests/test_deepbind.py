"""OTEL_NATIVE_DEEPBIND=false: plug-ins of libcurl's, loaded without RTLD_DEEPBIND, are traced. Without the variable nothing is changed."""

import ctypes
from dataclasses import replace

import pytest

from harness import programs
from harness.agent import wait_until
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome

OFF = {"OTEL_NATIVE_DEEPBIND": "false"}


def run_both(agent, web, *command, **variables):
    """Twins; returns the requests of the run under the agent."""
    bare = outcome(agent.run_bare(*command), agent)
    before = len(web.requests)
    assert bare.status == 0 and before, bare
    traced = outcome(agent.run(*command, **variables), agent)
    assert traced == bare
    assert wait_until(lambda: len(web.requests) == 2 * before)
    return web.requests[before:]


def php(name):
    return ["php", programs.SOURCES / name]


@pytest.mark.parametrize("value", ["false", "0", "nonsense"])
def test_php(agent, receiver, web, value):
    """What is neither true nor false counts as false, as everywhere."""
    requests = run_both(agent, web, *php("client.php"), f"{web.url}/x", OTEL_NATIVE_DEEPBIND=value)
    (span,) = receiver.wait(1)
    assert requests[0].traceparent == f"00-{span.trace_id}-{span.span_id}-03"
    assert span.attributes["http.response.status_code"] == 200


def test_php_s_multi(agent, receiver, web):
    requests = run_both(agent, web, *php("php_multi.php"), web.url, **OFF)
    assert sorted(request.target for request in requests) == ["/1", "/1", "/slow", "/status/404"]
    # The copy has the options of what it is a copy of.
    assert [request.values("X-Path") for request in requests if request.target == "/1"] == [["/1"]] * 2
    spans = {span.span_id: span for span in receiver.wait(4)}
    assert len(spans) == 4
    for request in requests:
        span = spans.pop(request.traceparent[36:52])
        assert span.attributes["url.full"].endswith(request.target)
        assert span.status == (STATUS_ERROR if "404" in request.target else STATUS_UNSET)


@pytest.mark.parametrize("variables", [{}, {"OTEL_NATIVE_DEEPBIND": "true"}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"} | OFF], ids=str)
def test_nothing_is_changed_otherwise(agent, receiver, web, variables):
    requests = run_both(agent, web, *php("php_multi.php"), web.url, **variables)
    assert not any(request.traceparent for request in requests)
    assert not [span for span in receiver.spans if "http.request.method" in span.attributes]


@pytest.mark.parametrize("flavour", programs.FLAVOURS)
def test_a_plug_in(agent, receiver, web, flavour):
    plugin, program = programs.curl_plugin(flavour), programs.build("reach", programs.SOURCES / "reach.c", libraries=["-ldl"])
    (request,) = run_both(agent, web, program, "plugin-deepbind", plugin, web.url, **OFF)
    (span,) = receiver.wait(1)
    assert request.traceparent[36:52] == span.span_id


def opener(caller_path=None):
    flags = ["-rdynamic"] + [f"-Wl,--enable-new-dtags,-rpath,{caller_path}"] * bool(caller_path)
    return programs.build("opens" + ("-path" if caller_path else ""), programs.SOURCES / "opens.c", flags=flags, libraries=["-ldl"])


@pytest.mark.parametrize("variables", [{}, OFF], ids=str)
def test_who_calls_dlopen_stays_the_caller(agent, variables):
    """A file's name without a slash is looked for in the caller's RUNPATH, and what is loaded answers from it; errors are the same, word for word."""
    plugin = programs.library("opened_curl.so")
    for words in ([plugin.name], [plugin], ["no-such-curl.so"], ["libm.so.6"], [""]):
        for program in (opener(), opener(plugin.parent)):
            bare = outcome(agent.run_bare(program, *words), agent)
            done = outcome(agent.run(program, *words, **variables), agent)
            # Whose `which` was meant is what the variable changes.
            assert done == replace(bare, stdout=bare.stdout.replace("plugin\n", "program\n") if variables and "curl" in str(words[0]) else bare.stdout)
    assert "7" in outcome(agent.run(opener(plugin.parent), plugin.name, **variables), agent).stdout


def test_which_objects_lose_the_flag(agent):
    """By the file's name: whose own definition of `which` is used says how it was loaded. The program has one too."""
    plugin, other = programs.library("opened_curl.so"), programs.BUILT / "opened_other.so"
    other.write_bytes(plugin.read_bytes())
    said = {path: agent.run(opener(), path, **OFF).stdout.split()[1] for path in (plugin, other)}
    assert said == {plugin: "program", other: "plugin"}
    assert agent.run(opener(), plugin).stdout.split()[1] == "plugin"


def test_glibc_has_these_versions():
    """Of which ours are the namesakes."""
    libc = ctypes.CDLL(None)
    for version in ("GLIBC_2.2.5", "GLIBC_2.34"):
        assert ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)(("dlvsym", libc))(None, b"dlopen", version.encode())
