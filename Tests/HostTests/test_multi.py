"""Programs that use libcurl's multi interface: every transfer is one span, from its addition until it is done."""

from collections import Counter

import pytest

from harness import programs
from harness.agent import REPOSITORY, wait_until
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome

FLAVOURS = {"openssl": "-lcurl", "gnutls": programs.GNUTLS}
LIBRARIES = {"openssl": "libcurl.so.4", "gnutls": "libcurl-gnutls.so.4", "nss": "libcurl-nss.so.4"}
PARENT_TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{PARENT_TRACE}-{PARENT_SPAN}-01"


def twin(agent, web, *command, count=0, **variables):
    """Runs `command` without and with the agent; returns the requests of the second run, which differ from the first's by one header.

    `count` is how many there are, if some are not answered: the program may have ended before the server reads those.
    """
    bare = agent.run_bare(*command)
    assert bare.returncode == 0, bare.stdout + bare.stderr
    wait_until(lambda: len(web.requests) >= count)
    bare_requests = list(web.requests)
    web.requests.clear()
    traced = agent.run(*command, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    wait_until(lambda: len(web.requests) >= count)
    # Transfers at once come in any order.
    assert Counter(seen(request) for request in web.requests) == Counter(seen(request) for request in bare_requests)
    assert not any(request.traceparent for request in bare_requests)
    return web.requests


def seen(request):
    headers = tuple(pair for pair in request.headers if pair[0].lower() != "traceparent")
    return request.method, request.target, headers, request.body


def run(agent, web, kind, *more, flavour="openssl", **variables):
    program = programs.build(f"multi-{flavour}", programs.SOURCES / "multi.c", libraries=[FLAVOURS[flavour]])
    return twin(agent, web, program, kind, web.url, *more, **variables)


def by_target(agent, receiver, requests, more=0):
    """The spans of `requests`, by target. Each request carried its own span, and there is no other, but for `more` that had no request."""
    spans = receiver.wait(len(requests) + more)
    assert len(spans) == len(requests) + more, f"{Counter(span.name for span in spans)}\n{agent.relay_status().stdout}"
    known = {span.span_id: span for span in spans}
    assert len(known) == len(spans)
    found = {}
    for request in requests:
        span = known[request.traceparent[36:52]]
        assert span.trace_id == request.traceparent[3:35]
        assert span.attributes["url.full"].endswith(request.target)
        assert (span.name, span.kind, span.scope) == (request.method, 3, "otelagent.instrumentation.curl")
        found.setdefault(request.target, []).append(span)
    assert sum(map(len, found.values())) == len(requests)
    return found


def results(spans):
    return {target: [(span.attributes.get("http.response.status_code"), span.error, span.status) for span in of] for target, of in spans.items()}


ANSWERED = (200, None, STATUS_UNSET)
TAKEN_OUT = (None, None, STATUS_UNSET)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("kind", ["perform", "socket", "all", "threads"])
def test_twenty_transfers(agent, receiver, web, kind, flavour):
    spans = by_target(agent, receiver, run(agent, web, kind, flavour=flavour, TRACEPARENT=PARENT))
    assert results(spans) == {f"/{number}": [ANSWERED] for number in range(20)}
    for (span,) in spans.values():
        assert (span.trace_id, span.parent_span_id) == (PARENT_TRACE, PARENT_SPAN)
        assert span.attributes["network.peer.port"] == web.port
        assert span.attributes["network.protocol.version"] == "1.1"


def test_a_transfer_ends_when_it_is_done_and_not_when_that_is_read(agent, receiver, web, tmp_path):
    spans = by_target(agent, receiver, run(agent, web, "late", tmp_path / "time"))
    assert results(spans) == {"/quick": [ANSWERED], "/slow": [ANSWERED]}
    # When the driving call had returned that ended the first. The results are read half a second after the last was done.
    first_done = int((tmp_path / "time").read_text())
    assert min(span.end for (span,) in spans.values()) < first_done + 250_000_000
    assert spans["/slow"][0].end > spans["/quick"][0].start


def test_results_that_are_never_read(agent, receiver, web):
    spans = by_target(agent, receiver, run(agent, web, "unread"), more=1)
    assert results(spans) == {"/good": [ANSWERED], "/status/503": [(503, "503", STATUS_ERROR)]}
    (refused,) = [span for span in receiver.spans if span.attributes["server.port"] != web.port]
    assert (refused.error, refused.status) == ("connection_error", STATUS_ERROR)


def test_transfers_that_are_taken_out(agent, receiver, web):
    spans = by_target(agent, receiver, run(agent, web, "early", count=2))
    assert results(spans) == {"/held": [TAKEN_OUT], "/quick": [ANSWERED]}


def test_handles_that_are_cleaned_up_in_the_middle(agent, receiver, web):
    spans = by_target(agent, receiver, run(agent, web, "cleanup", count=3))
    assert results(spans) == {"/held": [TAKEN_OUT] * 2, "/good": [ANSWERED]}


def test_one_handle_again_and_again(agent, receiver, web):
    requests = run(agent, web, "again")
    assert [request.values("X-Number") for request in requests] == [[str(number)] for number in range(4)]
    assert results(by_target(agent, receiver, requests)) == {"/again": [ANSWERED] * 4}


def test_a_duplicate_made_in_the_middle(agent, receiver, web):
    requests = run(agent, web, "copy")
    assert [request.values("X-Number") for request in requests] == [["1"]] * 3
    assert results(by_target(agent, receiver, requests)) == {"/copied": [ANSWERED] * 3}


def test_both_interfaces_within_each_other(agent, receiver, web):
    spans = by_target(agent, receiver, run(agent, web, "nested", TRACEPARENT=PARENT))
    assert results(spans) == {target: [ANSWERED] for target in ("/above", "/below", "/outer", "/inner")}
    assert spans["/below"][0].parent_span_id == spans["/above"][0].span_id
    # Of several transfers that are being driven, none is known to be the one whose callback this is.
    assert [spans[target][0].parent_span_id for target in ("/above", "/outer", "/inner")] == [PARENT_SPAN] * 3


def test_a_handle_that_is_reset_in_the_middle(agent, receiver, web):
    assert results(by_target(agent, receiver, run(agent, web, "reset", count=1))) == {"/held": [TAKEN_OUT]}


def test_header_lists_stay_the_program_s(agent, receiver, web):
    requests = run(agent, web, "headers")
    assert [request.values("X-Number") for request in requests] == [["2"], ["2"], []]
    assert results(by_target(agent, receiver, requests)) == {"/headers": [ANSWERED] * 3}


def test_additions_that_libcurl_refuses(agent, receiver, web):
    assert results(by_target(agent, receiver, run(agent, web, "refused"))) == {"/once": [ANSWERED]}


def test_a_forked_child_ends_no_transfer_of_its_parent_s(agent, receiver, web):
    assert results(by_target(agent, receiver, run(agent, web, "forked"))) == {"/slow": [ANSWERED]}
    assert "dropped in the processes" not in agent.relay_status().stdout


def test_unsampled_transfers_carry_their_context(agent, receiver, web):
    requests = run(agent, web, "perform", OTEL_TRACES_SAMPLER="always_off")
    assert len(requests) == 20
    assert {request.traceparent[-2:] for request in requests} == {"02"}
    assert not receiver.spans


def test_switched_off(agent, receiver, web):
    requests = run(agent, web, "perform", OTEL_NATIVE_DISABLED_INSTRUMENTATIONS="curl")
    assert not any(request.traceparent for request in requests)
    # What libcurl connects is the program's own then.
    assert {span.scope for span in receiver.wait(1)} == {"otelagent.instrumentation.sockets"}


def test_a_transfer_in_flight_when_the_process_is_killed(agent, receiver, web):
    program = programs.build("multi-openssl", programs.SOURCES / "multi.c", libraries=["-lcurl"])
    process = agent.start(program, "held", web.url)
    assert wait_until(lambda: len(web.requests) == 2)
    process.kill()
    process.wait()
    spans = by_target(agent, receiver, web.requests)
    assert results(spans) == {"/held": [(None, "process_ended", STATUS_ERROR)] * 2}


def test_curl_parallel(agent, receiver, web, tmp_path):
    urls = [word for number in range(100) for word in (f"{web.url}/{number}", "-o", tmp_path / str(number))]
    requests = twin(agent, web, "curl", "-sS", "--no-progress-meter", "--parallel", *urls)
    assert results(by_target(agent, receiver, requests)) == {f"/{number}": [ANSWERED] for number in range(100)}
    assert {path.read_text() for path in tmp_path.iterdir()} == {"200 GET\n"}


def test_curl_parallel_with_failures(agent, receiver, web):
    done = agent.run("curl", "-sS", "-f", "--parallel", f"{web.url}/1", f"{web.url}/status/500")
    assert done.returncode == 22
    spans = by_target(agent, receiver, web.requests)
    assert results(spans) == {"/1": [ANSWERED], "/status/500": [(500, "500", STATUS_ERROR)]}


# Debian's, and wheels that carry libcurl 7.61 and 8.23.
@pytest.mark.parametrize("package", ["debian", "pycurl-7.45.3", "pycurl-7.49.0"])
@pytest.mark.parametrize("read", ["read", "unread"])
def test_pycurl(agent, receiver, web, read, package):
    path = REPOSITORY / ".build-python/wheels" / package
    command = ["env", f"PYTHONPATH={path}", "/usr/bin/python3", programs.SOURCES / "pycurl_multi.py", web.url, read]
    assert package == "debian" or path.exists()
    requests = twin(agent, web, *command)
    spans = by_target(agent, receiver, requests)
    assert results(spans) == {"/1": [ANSWERED], "/status/404": [(404, "404", STATUS_ERROR)], "/slow": [ANSWERED]}


@pytest.mark.parametrize("flavour", LIBRARIES)
def test_found_by_dlsym(agent, receiver, web, flavour):
    requests = twin(agent, web, "/usr/bin/python3", programs.SOURCES / "ctypes_multi.py", web.url, LIBRARIES[flavour])
    assert results(by_target(agent, receiver, requests)) == {"/0": [ANSWERED], "/1": [ANSWERED]}
