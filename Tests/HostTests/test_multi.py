"""Programs that use libcurl's multi interface: every transfer is one span, from its addition until it is done."""

import re
from collections import Counter

import pytest

from harness import programs
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome

FLAVOURS = {"openssl": "-lcurl", "gnutls": programs.GNUTLS}


def run(agent, web, kind, flavour="openssl", **variables):
    """Runs one part of the program without and with the agent; returns the requests of the second run, in the order of their ends."""
    program = programs.build(f"multi-{flavour}", programs.SOURCES / "multi.c", libraries=[FLAVOURS[flavour]])
    bare = agent.run_bare(program, kind, web.url)
    assert bare.returncode == 0, bare.stdout + bare.stderr
    count = len(web.requests)
    traced = agent.run(program, kind, web.url, **variables)
    assert outcome(traced, agent) == outcome(bare, agent)
    assert not [request for request in web.requests[:count] if request.traceparent]
    return web.requests[count:]


def test_all(agent, receiver, web):
    for kind in ["perform","socket","all","late","unread","early","cleanup","threads","again","copy","nested","reset","headers","refused","forked"]:
        receiver.clear(); web.requests.clear()
        try:
            requests = run(agent, web, kind)
        except AssertionError as e:
            print(kind, "FAIL", e)
            continue
        import time; time.sleep(1)
        print(kind, len(requests), len(receiver.spans))
        for s in receiver.spans[:4]:
            print("   ", s.name, s.status, s.error, s.attributes.get("url.full"), s.attributes.get("http.response.status_code"), (s.end-s.start)/1e6, s.parent_span_id, [r.target for r in requests if r.traceparent and s.span_id in r.traceparent])
    assert 0
