"""Requests that are signed over their headers arrive as they were signed; the verifier here is strict in what no server has to be."""

import json

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from harness import programs
from harness.sigv4 import ACCESS_KEY, REGION, SECRET_KEY, SERVICE, Refused, verify

CREDENTIALS = botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY)
FORMATS = "tracecontext,baggage,b3,b3multi,jaeger,xray,ottrace"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SIGV4 = ["--aws-sigv4", f"aws:amz:{REGION}:{SERVICE}", "--user", f"{ACCESS_KEY}:{SECRET_KEY}"]


def signed(url, method="GET", body=b"", headers=()):
    """The headers that botocore makes for a request."""
    request = botocore.awsrequest.AWSRequest(method, url, dict(headers), body)
    botocore.auth.SigV4Auth(CREDENTIALS, SERVICE, REGION).add_auth(request)
    return [f"{name}: {value}" for name, value in request.headers.items()]


def pycurl(**options):
    return ["/usr/bin/python3", programs.SOURCES / "pycurl_options.py", json.dumps(options)]


def twin(agent, web, command, count=1, **variables):
    """The requests of a run under the agent; it said what it says without."""
    bare = agent.run_bare(*command)
    before = len(web.requests)
    traced = agent.run(*command, OTEL_PROPAGATORS=FORMATS, BAGGAGE="k=v", **variables)
    assert (traced.returncode, traced.stdout, traced.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    assert before == count
    return web.requests[before:]


@pytest.mark.parametrize("arguments", [[], ["-d", "a=1"], ["-H", "X-Own: 1", "-X", "DELETE"]])
def test_curl_signs(agent, receiver, web, arguments):
    (request,) = twin(agent, web, ["curl", "-sS", *SIGV4, *arguments, f"{web.url}/"])
    verify(request, strict="-H" not in arguments)
    assert len(receiver.wait(1)) == 1


def test_curl_signs_again(agent, web):
    """A retry signs whatever is in the list then."""
    first, second = twin(agent, web, ["curl", "-sS", "--retry", "1", *SIGV4, f"{web.url}/status/503"], count=2)
    for request in (first, second):
        verify(request, strict=True)


@pytest.mark.parametrize("method, body", [("GET", b""), ("POST", b'{"a": 1}')])
def test_botocore_signs_for_pycurl(agent, receiver, web, method, body):
    headers = signed(f"{web.url}/path", method, body, {"X-Amz-Target": "Service.Call"})
    options = {"URL": f"{web.url}/path", "HTTPHEADER": headers, "again": 1} | ({"POSTFIELDS": body.decode()} if body else {})
    for request in twin(agent, web, pycurl(**options), count=2):
        verify(request, strict=True)
    assert len(receiver.wait(2)) == 2


def test_a_context_that_is_signed_too(agent, receiver, web):
    """It is the span's parent, whatever else the agent is told."""
    headers = signed(f"{web.url}/", headers={"traceparent": TRACEPARENT})
    (request,) = twin(agent, web, pycurl(URL=f"{web.url}/", HTTPHEADER=headers), OTEL_NATIVE_CURL_REPARENT="true")
    verify(request, strict=True)
    assert request.traceparent == TRACEPARENT
    (span,) = receiver.wait(1)
    assert span.parent_span_id == TRACEPARENT[36:52]


def test_a_url_that_was_signed_beforehand(agent, web):
    request = botocore.awsrequest.AWSRequest("GET", f"{web.url}/bucket/key")
    botocore.auth.S3SigV4QueryAuth(CREDENTIALS, "s3", REGION, expires=60).add_auth(request)
    (request,) = twin(agent, web, ["curl", "-sS", request.url])
    assert {name.lower() for name, _ in request.headers} == {"host", "user-agent", "accept"}


def test_the_verifier_refuses(agent, web):
    """What the other tests would see if a header were added, or one that is signed changed."""
    headers = signed(f"{web.url}/", headers={"X-Own": "1"})
    agent.run_bare(*pycurl(URL=f"{web.url}/", HTTPHEADER=[*headers, f"traceparent: {TRACEPARENT}"]))
    verify(web.requests[0])
    with pytest.raises(Refused, match=r"not signed: \['traceparent'\]"):
        verify(web.requests[0], strict=True)
    agent.run_bare(*pycurl(URL=f"{web.url}/", HTTPHEADER=[line.replace("X-Own: 1", "X-Own: 2") for line in headers]))
    with pytest.raises(Refused, match="does not match"):
        verify(web.requests[1])


def test_what_is_not_signed_is_traced_as_ever(agent, receiver, web):
    agent.run("curl", "-sS", "-H", "Authorization: Bearer AWS4", f"{web.url}/?sign=1&token=2")
    (span,) = receiver.wait(1)
    assert web.requests[0].traceparent[36:52] == span.span_id
