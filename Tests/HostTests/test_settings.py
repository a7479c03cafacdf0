"""What users set for the instrumentations, seen from outside: captured headers, excluded URLs, methods, query keys, services, switches."""

import json
import re

import pytest

from harness import programs
from harness.flush import flush
from harness.receiver import STATUS_UNSET
from test_reach import pycurl

REQUEST_HEADERS = "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS"
RESPONSE_HEADERS = "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS"
REQUEST_PATTERNS = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST"
RESPONSE_PATTERNS = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE"
SANITIZE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS"
QUERY_KEYS = "OTEL_INSTRUMENTATION_SANITIZATION_URL_EXPERIMENTAL_SENSITIVE_QUERY_PARAMETERS"
METHODS = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"
SERVICES = "OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING"
EVERYTHING = {
    REQUEST_PATTERNS: ".*", RESPONSE_PATTERNS: ".*", REQUEST_HEADERS: "authorization,x-one", RESPONSE_HEADERS: "set-cookie", SANITIZE: "many",
    "OTEL_NATIVE_EXCLUDED_URLS": "/excluded/\\d", SERVICES: "127.0.0.1=shop", METHODS: "GET", QUERY_KEYS: "a",
}  # fmt: skip


def requested(agent, receiver, *arguments, **variables):
    """The only span of one curl."""
    done = agent.run("curl", "-sS", "-o", "/dev/null", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    (span,) = receiver.wait(1)
    return span


def headers(span, side):
    prefix = f"http.{side}.header."
    return {key.removeprefix(prefix): value for key, value in span.attributes.items() if key.startswith(prefix)}


def by_path(spans, web):
    found = {}
    for span in spans:
        path = span.attributes["url.full"].removeprefix(web.url).partition("?")[0]
        assert path not in found
        found[path] = span
    return found


# Headers


def test_headers_by_name(agent, receiver, web):
    span = requested(
        agent, receiver, "-H", "X-Mine: one", "-H", "x-mine: two", "-A", "agent/1", f"{web.url}/headers?X-Many=1&X-Many=2&X-Other=3",
        **{REQUEST_HEADERS: "X-Mine, USER-AGENT,accept,host,absent,x-mine", RESPONSE_HEADERS: "x-many,Content-Type,absent"},
    )  # fmt: skip
    assert headers(span, "request") == {
        "x-mine": ["one", "two"], "user-agent": ["agent/1"], "accept": ["*/*"], "host": [f"127.0.0.1:{web.port}"],
    }  # fmt: skip
    assert headers(span, "response") == {"x-many": ["1", "2"], "content-type": ["text/plain"]}
    assert web.requests[0].values("x-mine") == ["one", "two"] and web.requests[0].values("user-agent") == ["agent/1"]


def test_what_is_told_of_libcurls_own_headers_is_what_it_sends(agent, receiver, web):
    """Whatever is known of the headers that options make, arrived at the server as that."""
    done = agent.run(programs.build("settings", libraries=["-lcurl"]), web.url, **{REQUEST_PATTERNS: ".*"})
    assert done.returncode == 0, done.stdout
    spans = by_path((span for span in receiver.wait(12) if "url.full" in span.attributes), web)
    checked = set()
    for request in web.requests:
        span = spans.get(request.target.partition("?")[0])
        if span is None:
            continue
        for name, values in headers(span, "request").items():
            if values == ["[REDACTED]"] or name in ("referer", "x-bytes"):
                assert request.values(name), name
            else:
                # Blanks at its end, which libcurl sends, are no part of a value (RFC 9110, section 5.5).
                assert [value.strip() for value in request.values(name)] == values, (request.target, name)
                checked.add(name)
    assert {"host", "accept", "user-agent", "accept-encoding", "content-type", "x-one", "x-two", "x-empty"} <= checked


def test_headers_of_every_kind(agent, receiver, web):
    """The program's list with all that libcurl makes of its lines, options, copies, a reset, a redirect, and both interfaces."""
    program = programs.build("settings", libraries=["-lcurl"])
    assert agent.run(program, web.url, **{REQUEST_PATTERNS: ".*", RESPONSE_PATTERNS: ".*", REQUEST_HEADERS: "x-one"}).returncode == 0
    spans = by_path(flush(agent, receiver, web), web)
    port = f"127.0.0.1:{web.port}"
    assert headers(spans["/list"], "request") == {
        "host": [port], "x-one": ["1"], "x-two": ["two words", "again"], "x-empty": [""], "x-bytes": ["a�é"], "x-secret-key": ["[REDACTED]"],
        "authorization": ["[REDACTED]"], "user-agent": ["mine"], "cookie": ["[REDACTED]"],
    }  # fmt: skip
    options = {
        "host": [port], "accept": ["*/*"], "user-agent": ["not seen"], "accept-encoding": ["gzip"], "cookie": ["[REDACTED]"],
        "referer": ["https://REDACTED:REDACTED@from.example/?sig=REDACTED&page=2"],
    }  # fmt: skip
    form = {"content-type": ["application/x-www-form-urlencoded"]}
    assert headers(spans["/options"], "request") == headers(spans["/copy"], "request") == options | form
    assert headers(spans["/form"], "request") == options
    assert headers(spans["/headers"], "request") == {"host": [port], "accept": ["*/*"]}
    answer = headers(spans["/headers"], "response")
    assert {name: answer.pop(name) for name in ("server", "date", "content-type", "content-length")}
    assert answer == {
        "x-many": ["one", "two"], "set-cookie": ["[REDACTED]"], "x-empty": [""], "x-latin": ["a�"], "x-api-token": ["[REDACTED]"],
        "content-location": ["http://REDACTED:REDACTED@h/?sig=REDACTED"],
    }  # fmt: skip
    # Of the last answer, not of the redirect.
    assert "location" not in headers(spans["/redirect"], "response") and headers(spans["/redirect"], "response")["content-type"] == ["text/plain"]
    # In a multi handle, too, and read while the list was there.
    assert headers(spans["/multi/1"], "request")["x-one"] == ["of many"]
    assert headers(spans["/multi/1"], "response")["content-type"] == ["text/plain"]
    shown = [value for span in receiver.spans for key, value in span.attributes.items() if key != "url.full" or span is not spans["/headers"]]
    assert "CANARY" not in repr(shown)


@pytest.mark.parametrize(
    "patterns, captured",
    [
        ("x-.*", {"x-one", "x-two", "x-twofold"}),
        ("X-T", set()),  # a whole name
        ("x-t(wo|hree)", {"x-two"}),
        ("nothing,x-one|x-two,(broken", {"x-one", "x-two"}),
        ("x-[a-z]{3,4}", {"x-one", "x-two"}),  # the comma of a repetition separates nothing
        ("(?=x).*", set()),
    ],
)
def test_headers_by_pattern(agent, receiver, web, patterns, captured):
    """As Python's: regular expressions for whole names, in any case."""
    lines = [word for name in ("X-One", "x-two", "X-TwoFold") for word in ("-H", f"{name}: v")]
    span = requested(agent, receiver, *lines, f"{web.url}/headers?X-One=v&x-two=v&X-TWOFOLD=v", **{REQUEST_PATTERNS: patterns, RESPONSE_PATTERNS: patterns})
    expected = {name: ["v"] for name in captured}
    assert headers(span, "request") == expected
    assert headers(span, "response") == expected


def test_no_header_is_captured_unless_it_is_named(agent, receiver, web):
    span = requested(agent, receiver, "-H", "X-Mine: 1", f"{web.url}/headers?X-Many=1", **{REQUEST_HEADERS: " , ", RESPONSE_PATTERNS: "", SANITIZE: ".*"})
    assert not headers(span, "request") and not headers(span, "response")


@pytest.mark.parametrize("name", ["Authorization", "Proxy-Authorization", "Cookie", "X-Internal-Id"])
def test_secret_headers_are_redacted_whoever_names_them(agent, receiver, web, name):
    span = requested(
        agent, receiver, "-H", f"{name}: CANARY", f"{web.url}/headers?Set-Cookie=CANARY&x-internal=CANARY&x-open=1",
        **{REQUEST_HEADERS: name, RESPONSE_HEADERS: "set-cookie,x-internal,x-open", SANITIZE: "^x-INT,other"},
    )  # fmt: skip
    assert headers(span, "request") == {name.lower(): ["[REDACTED]"]}
    assert headers(span, "response") == {"set-cookie": ["[REDACTED]"], "x-internal": ["[REDACTED]"], "x-open": ["1"]}
    assert web.requests[0].values(name) == ["CANARY"]


def test_what_only_looks_secret_is_told_when_it_is_named(agent, receiver, web):
    variables = {REQUEST_HEADERS: "x-api-key", REQUEST_PATTERNS: "x-.*"}
    span = requested(agent, receiver, "-H", "X-Api-Key: told", "-H", "X-Auth-Token: CANARY", "-H", "X-Plain: told", f"{web.url}/", **variables)
    assert headers(span, "request") == {"x-api-key": ["told"], "x-auth-token": ["[REDACTED]"], "x-plain": ["told"]}


def test_captured_headers_count_as_attributes(agent, receiver, web):
    variables = {REQUEST_PATTERNS: "x-.*", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "6", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"}
    lines = [word for number in range(5) for word in ("-H", f"X-{number}: äöüß")]
    span = requested(agent, receiver, *lines, f"{web.url}/", **variables)
    assert headers(span, "request") == {"x-0": ["äöü"], "x-1": ["äöü"]}
    # Three headers, the status, the peer's address and port, the version
    assert (len(span.attributes), span.dropped_attributes) == (6, 7)


def test_headers_on_the_console_and_in_the_view(agent, web):
    variables = {REQUEST_HEADERS: "x-mine", "OTEL_TRACES_EXPORTER": "console"}
    command = ["curl", "-sS", "-o", "/dev/null", "-H", "X-Mine: one", "-H", 'X-Mine: "two"', f"{web.url}/"]
    done = agent.run(*command, **variables)
    assert json.loads(done.stderr)["attributes"]["http.request.header.x-mine"] == ["one", '"two"']


@pytest.mark.parametrize("flavour", ["gnutls", "wheel", "new_wheel"])
def test_headers_of_every_libcurl(agent, receiver, web, flavour):
    """Asked of the library that the handle is of: Debian's for GnuTLS, and those in pycurl's wheels."""
    done = agent.run(*pycurl(flavour, f"{web.url}/headers?x-y=z"), **{REQUEST_HEADERS: "x-own", RESPONSE_HEADERS: "x-y", RESPONSE_PATTERNS: "content-t.*"})
    assert done.returncode == 0, done.stderr
    (span,) = receiver.wait(1)
    assert headers(span, "request") == {"x-own": ["header"]}
    # libcurl 7.83 and later tell of headers, unless they were built without that.
    tells = {"gnutls": True, "wheel": False, "new_wheel": True}[flavour]
    assert headers(span, "response") == ({"x-y": ["z"], "content-type": ["text/plain"]} if tells else {})


# URLs


@pytest.mark.parametrize(
    "variables, traced",
    [
        ({"OTEL_NATIVE_EXCLUDED_URLS": "health,ready$"}, {"/api"}),
        ({"OTEL_NATIVE_EXCLUDED_URLS": "^http://127\\.0\\.0\\.1:\\d+/(health|api)"}, {"/ready"}),
        ({"OTEL_NATIVE_CURL_EXCLUDED_URLS": "api", "OTEL_NATIVE_EXCLUDED_URLS": ".*"}, {"/health?x=1", "/ready"}),
        ({"OTEL_NATIVE_CURL_EXCLUDED_URLS": "", "OTEL_NATIVE_EXCLUDED_URLS": "x=\\d$"}, {"/api", "/ready"}),
        ({"OTEL_NATIVE_EXCLUDED_URLS": ".*"}, set()),
        ({"OTEL_NATIVE_EXCLUDED_URLS": "(health, [api, HEALTH"}, {"/health?x=1", "/ready", "/api"}),
        ({"OTEL_NATIVE_EXCLUDED_URLS": "/{1,2}health"}, {"/ready", "/api"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [[], ["--parallel", "--parallel-immediate"]], ids=["easy", "multi"])
def test_excluded_urls(agent, receiver, web, options, variables, traced):
    """Neither a span, nor a header, nor a span of the connect below."""
    paths = ["/health?x=1", "/ready", "/api"]
    assert agent.run("curl", "-sS", *options, *(web.url + path for path in paths), **variables).returncode == 0
    spans = flush(agent, receiver, web)
    assert {span.attributes.get("url.full", span.name).removeprefix(web.url) for span in spans} == traced
    assert len(spans) == len(traced)
    assert {request.target for request in web.requests if request.traceparent and request.target != "/last"} == traced
    assert {request.target for request in web.requests} == {*paths, "/last"}


def test_a_url_without_a_scheme_is_matched_with_the_one_it_gets(agent, receiver, web):
    variables = {"OTEL_NATIVE_EXCLUDED_URLS": "^http://127"}
    assert agent.run("curl", "-sS", f"127.0.0.1:{web.port}/", **variables).returncode == 0
    assert flush(agent, receiver, web) == [] and web.requests[0].traceparent is None


def test_excluded_by_both_interfaces_and_a_url_handle(agent, receiver, web):
    """Of a URL that libcurl alone knows (CURLOPT_CURLU) the span is dropped when it ends; its header was sent."""
    assert agent.run(programs.build("settings", libraries=["-lcurl"]), web.url, OTEL_NATIVE_EXCLUDED_URLS="/excluded/").returncode == 0
    paths = set(by_path(flush(agent, receiver, web), web))
    assert paths == {"/list", "/options", "/copy", "/form", "/headers", "/redirect", "/after", "/multi/1", "/multi/2"}
    assert {request.target for request in web.requests if not request.traceparent} == {"/excluded/7", "/excluded/8"}


@pytest.mark.parametrize(
    "keys, url, expected",
    [
        ("foo", "/?foo=1&sig=2&token=3&Foo=4", "/?foo=REDACTED&sig=2&token=3&Foo=4"),
        ("foo, sig", "/?foo=1&sig=2&%66oo=3", "/?foo=REDACTED&sig=REDACTED&%66oo=REDACTED"),
        (None, "/?foo=1&sig=2&token=3", "/?foo=1&sig=REDACTED&token=REDACTED"),
        (" ,", "/?foo=1&sig=2", "/?foo=1&sig=REDACTED"),
    ],
)
def test_sensitive_query_keys(agent, receiver, web, keys, url, expected):
    span = requested(agent, receiver, web.url + url, **{QUERY_KEYS: keys})
    assert span.attributes["url.full"] == web.url + expected


def test_user_names_are_redacted_whatever_the_keys(agent, receiver, web):
    span = requested(agent, receiver, web.url.replace("//", "//me:CANARY@"), **{QUERY_KEYS: "none"})
    assert span.attributes["url.full"].startswith("http://REDACTED:REDACTED@127.0.0.1:")


# Methods and services


@pytest.mark.parametrize(
    "known, method, expected",
    [
        ("FOO,get", "FOO", ("FOO", "FOO", None)),
        ("FOO,get", "get", ("get", "get", None)),
        ("FOO,get", "GET", ("HTTP", "_OTHER", "GET")),
        ("FOO, get", "foo", ("HTTP", "_OTHER", "foo")),
        ("FOO", None, ("HTTP", "_OTHER", "GET")),
        (",", None, ("GET", "GET", None)),
        ("", "FOO", ("HTTP", "_OTHER", "FOO")),
    ],
)
def test_known_methods(agent, receiver, web, known, method, expected):
    span = requested(agent, receiver, *(["-X", method] if method else []), f"{web.url}/", **{METHODS: known})
    assert (span.name, span.attributes["http.request.method"], span.attributes.get("http.request.method_original")) == expected
    assert span.status == STATUS_UNSET


@pytest.mark.parametrize(
    "mapping, expected",
    [
        ("127.0.0.1=shop", "shop"),
        ("other=no,127.0.0.1=shop,127.0.0.1:PORT= cart ", "cart"),
        ("127.0.0.1:1=no", None),
        ("127.0.0.1:PORT=täglich", "täglich"),
        ("127.0.0.1,127.0.0.1=", None),
    ],
)
def test_peer_services(agent, receiver, web, mapping, expected):
    span = requested(agent, receiver, f"{web.url}/", **{SERVICES: mapping.replace("PORT", str(web.port))})
    assert span.attributes.get("service.peer.name") == expected


# Switches


@pytest.mark.parametrize(
    "variables, expected",
    [
        ({}, {"curl", "sockets"}),
        ({"OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED": "false"}, set()),
        ({"OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED": "false", "OTEL_INSTRUMENTATION_CURL_ENABLED": "true"}, {"curl"}),
        ({"OTEL_INSTRUMENTATION_CURL_ENABLED": "False"}, {"sockets"}),
        ({"OTEL_INSTRUMENTATION_SOCKETS_ENABLED": "0"}, {"curl"}),
        ({"OTEL_NATIVE_ENABLED_INSTRUMENTATIONS": "curl"}, {"curl"}),
        ({"OTEL_NATIVE_ENABLED_INSTRUMENTATIONS": "*", "OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"}, {"sockets"}),
        ({"OTEL_NATIVE_ENABLED_INSTRUMENTATIONS": "curl", "OTEL_INSTRUMENTATION_SOCKETS_ENABLED": "true"}, {"curl"}),
    ],
    ids=str,
)
def test_switches(agent, receiver, web, acceptor, variables, expected):
    assert agent.run("curl", "-sS", f"{web.url}/", **variables).returncode == 0
    assert agent.run(programs.build("dialer"), acceptor, 1, **variables).returncode == 0
    found = {span.scope.rpartition(".")[2] for span in flush(agent, receiver, web)}
    # Without the instrumentation of libcurl, that of sockets sees its connects.
    assert found == expected
    assert bool(web.requests[0].traceparent) == ("curl" in expected)


# What is wrong is named, and the rest counts


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("OTEL_NATIVE_EXCLUDED_URLS", "ok,(a", '"(a" is no regular expression; it is left out'),
        ("OTEL_NATIVE_CURL_EXCLUDED_URLS", "(?!a)b", '"(?!a)b" uses what otelagent does not have'),
        (REQUEST_PATTERNS, "x,a**", '"a**" is no regular expression'),
        (RESPONSE_PATTERNS, "(abcdef){100}", "is too large, with those before it; it is left out"),
        (SANITIZE, "[z-a]", '"[z-a]" is no regular expression'),
        (REQUEST_HEADERS, "x-a,x-*", "Patterns belong into"),
        (RESPONSE_HEADERS, "bad name", '"bad name" is no name of a header; it is left out'),
        (SERVICES, "h=s,h:0=s", '"h:0=s" names no host and its service; it is left out'),
        ("OTEL_NATIVE_ENABLED_INSTRUMENTATIONS", "curl,tcp", '"tcp" is not a known value'),
        ("OTEL_INSTRUMENTATION_CURL_ENABLED", "1", "is neither true nor false and counts as false"),
    ],
)
def test_the_launcher_names_what_is_wrong(agent, name, value, said):
    done = agent.launch("true", **{name: value})
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert name in line and said in line, line


def test_every_setting_is_an_option(agent, receiver, web):
    option = "--instrumentation-http-client-capture-request-headers=x-mine"
    others = ["--instrumentation-common-peer-service-mapping=127.0.0.1=shop", "--curl-excluded-urls=/no"]
    done = agent.launch("curl", "-sS", "-H", "X-Mine: 1", f"{web.url}/", f"{web.url}/no", options=[option, *others])
    assert done.returncode == 0, done.stderr
    (span,) = flush(agent, receiver, web)
    assert headers(span, "request") == {"x-mine": ["1"]} and span.attributes["service.peer.name"] == "shop"


# The program does not notice


@pytest.mark.parametrize("variables", [{name: value} for name, value in EVERYTHING.items()] + [EVERYTHING], ids=lambda these: ",".join(these)[-60:])
def test_twins(agent, receiver, web, variables):
    """Every setting: same output, status, and requests but for the headers of the agent."""
    program = programs.build("settings", libraries=["-lcurl"])
    runs = []
    for run in (agent.run_bare, agent.run):
        before = len(web.requests)
        done = run(program, web.url, **variables)
        made = sorted((request.method, request.target, sorted(pair for pair in request.headers if pair[0] != "traceparent" and "boundary" not in pair[1])) for request in web.requests[before:])
        runs.append((done.returncode, done.stdout, done.stderr, made))
    assert runs[0] == runs[1] and runs[0][0] == 0
    assert receiver.wait(1), "nothing was recorded"
