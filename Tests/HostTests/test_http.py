"""HTTP as it is spoken by real servers, and every way in which a request fails: what its span says, exactly.

ROWS is the table. Each row is a run of Debian's curl without and with the agent that must look the same from outside, to the servers too;
docs/coverage-http.md is made from it by `python3 Tests/HostTests/test_http.py`.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.agent import REPOSITORY, wait_until
from harness.gitserver import GitServer
from harness.httpservers import Nginx, ScriptedServer, tinyproxy
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome
from harness.webserver import closed_port

CLIENT = 3
SCOPE = "otelagent.instrumentation.curl"


class World:
    """The servers of one test module."""

    def __init__(self, folder, port, tunnels, refusing):
        self.nginx, self.scripted, self.apache = Nginx(folder), ScriptedServer(), GitServer()
        self.proxy, self.tunnels, self.refusing, self.closed = port, tunnels, refusing, closed_port()
        self.asking = self.scripted.port
        self.upload = folder / "upload"
        self.upload.write_bytes(b"u" * 5000)
        self.large = folder / "large"
        self.large.write_bytes(b"l" * 2_000_000)

    def url(self, name, target):
        others = {"scripted": self.scripted.port, "apache": self.apache.port, "closed": self.closed}
        port = others.get(name) or self.nginx.ports[name]
        return f"{'https' if name in ('tls', 'expired', 'elsewhere') else 'http'}://127.0.0.1:{port}/{target}"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("http")
    with tinyproxy(folder) as proxy, tinyproxy(folder, "ConnectPort 1") as refusing:
        world = World(folder, proxy, proxy, refusing)
        yield world
        for server in (world.nginx, world.scripted, world.apache):
            server.stop()


@dataclass(frozen=True)
class Row:
    """`words(world)`: curl's, the URL last. What the span says beside method, server and URL: see `attributes`."""

    what: str
    words: object
    status: int | None = 200
    error: str | None = None
    version: str | None = "1.1"
    exit_status: int = 0
    method: str = "GET"
    resent: int | None = None
    peer: str | None = "server"  # or a member of World that has its port
    spans: int = 1

    def reaches_nginx(self, world, url):
        return urlsplit(url).port in world.nginx.ports.values() and (self.status is not None or self.exit_status == 35)

    def attributes(self, world, url):
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        peer = {"network.peer.address": "127.0.0.1", "network.peer.port": port if self.peer == "server" else getattr(world, self.peer)} if self.peer else {}
        told = {
            "http.request.method": self.method,
            "url.full": url,
            "server.address": parts.hostname,
            "server.port": port,
            "http.response.status_code": self.status,
            "http.request.resend_count": self.resent,
            "network.protocol.version": self.version,
            "error.type": self.error,
            **peer,
        }
        return {key: value for key, value in told.items() if value is not None}


def get(name, target, *words):
    """`words` may be functions of the world."""
    return lambda world: [*(word(world) if callable(word) else word for word in words), world.url(name, target)]


def trusting(world):
    return world.nginx.authority


def proxy(member):
    return lambda world: f"http://127.0.0.1:{getattr(world, member)}"


def upload(world):
    return world.upload


def large(world):
    return f"@{world.large}"


def busy(world):
    return f"http://127.0.0.1:{world.busy}/"


UNANSWERED = {"status": None, "version": None}
ROWS = [
    Row("HTTP/1.0", get("scripted", "old"), version="1.0"),
    Row("HTTP/1.1", get("http", "ten")),
    Row("HTTP/2 by TLS", get("tls", "ten", "--cacert", trusting), version="2"),
    Row("HTTP/1.1 by TLS", get("tls", "ten", "--http1.1", "--cacert", trusting)),
    Row("HTTP/2 without TLS, prior knowledge", get("h2c", "ten", "--http2-prior-knowledge"), version="2"),
    Row("HTTP/2 without TLS, by an upgrade", get("apache", "git/repository/HEAD", "--http2"), version="2"),
    Row("a proxy", get("http", "ten", "-x", proxy("proxy")), peer="proxy"),
    Row("a tunnel through a proxy, TLS", get("tls", "ten", "-x", proxy("proxy"), "--cacert", trusting), peer="proxy", version="2"),
    Row("a tunnel through a proxy, no TLS", get("http", "ten", "-p", "-x", proxy("proxy")), peer="proxy"),
    Row(
        "a tunnel that the proxy refuses",
        get("tls", "ten", "-x", proxy("refusing")),
        **UNANSWERED, error="proxy_tunnel_error", exit_status=56, peer="refusing",
    ),
    Row("a proxy that asks who it is", get("closed", "asking", "-x", proxy("asking")), status=407, error="407", peer="asking"),
    Row("the same, answered", get("closed", "asking", "-x", proxy("asking"), "--proxy-anyauth", "-U", "user:word"), resent=1, peer="asking"),
    Row("a proxy that is not there", get("http", "ten", "-x", proxy("closed")), **UNANSWERED, error="connection_error", exit_status=7, peer=None),
    Row("a proxy whose name is unknown", get("http", "ten", "-x", "http://no-such.invalid"), **UNANSWERED, error="name_resolution_error", exit_status=5, peer=None),
    Row("a redirect", get("http", "redirect", "-L"), resent=1),
    Row("a redirect that is not followed", get("http", "redirect"), status=302),
    Row("too many redirects", get("http", "loop", "-L", "--max-redirs", "2"), status=302, resent=2, error="configuration_limit_exceeded", exit_status=47),
    Row("503 and another try by curl: two spans", get("http", "busy", "--retry", "1"), status=503, error="503", spans=2),
    Row("Basic after 401", get("http", "basic/ten", "--anyauth", "-u", "user:word"), resent=1),
    Row("Basic at once", get("http", "basic/ten", "-u", "user:word")),
    Row("Basic, a wrong password", get("http", "basic/ten", "--anyauth", "-u", "user:wrong"), status=401, error="401", resent=1),
    Row("Digest", get("scripted", "digest", "--digest", "-u", "user:word"), resent=1),
    Row("NTLM", get("scripted", "ntlm", "--ntlm", "-u", "user:word"), resent=1),
    Row("PUT", get("http", "dav/a", "-T", upload), method="PUT", status=201),
    Row("PUT, chunked", get("http", "dav/b", "-T", upload, "-H", "Transfer-Encoding: chunked"), method="PUT", status=201),
    Row("PUT by HTTP/2", get("tls", "dav/c", "-T", upload, "--cacert", trusting), method="PUT", status=201, version="2"),
    Row("POST with `Expect: 100-continue`", get("http", "post", "--data-binary", "some", "-H", "Expect: 100-continue"), method="POST", status=204),
    Row("POST to a server that takes no `Expect`", get("scripted", "expectant", "--data-binary", large), method="POST", resent=1),
    Row("POST of a form", get("http", "post", "-F", "a=b"), method="POST", status=204),
    Row("a range", get("http", "thousand", "-r", "0-9"), status=206),
    Row("a range that is not there", get("http", "ten", "-r", "5000-"), status=416, error="416"),
    Row("404, `--fail`", get("http", "none", "-f"), status=404, error="404", exit_status=22),
    Row("connecting takes too long", lambda world: ["--connect-timeout", "0.3", busy(world)], **UNANSWERED, error="timeout", exit_status=28, peer=None),
    Row("the response takes too long", get("scripted", "held", "-m", "0.4"), **UNANSWERED, error="timeout", exit_status=28),
    Row("a name that is unknown", lambda _: ["http://no-such.invalid/"], **UNANSWERED, error="name_resolution_error", exit_status=6, peer=None),
    Row("refused", get("closed", "x"), **UNANSWERED, error="connection_error", exit_status=7, peer=None),
    Row("an authority that is unknown", get("tls", "ten"), **UNANSWERED, error="secure_connection_error", exit_status=60),
    Row("a certificate that has expired", get("expired", "", "--cacert", trusting), **UNANSWERED, error="secure_connection_error", exit_status=60),
    Row("a certificate of another host", get("elsewhere", "", "--cacert", trusting), **UNANSWERED, error="secure_connection_error", exit_status=60),
    Row("TLS with a server that does not speak it", lambda world: [world.url("http", "").replace("http:", "https:")], **UNANSWERED, error="secure_connection_error", exit_status=35),
    Row("a file of authorities that is not there", get("tls", "ten", "--cacert", "/nonexistent"), **UNANSWERED, error="secure_connection_error", exit_status=77),
    Row("a response that is cut short", get("scripted", "short"), error="response_ended", exit_status=18),
    Row("no response", get("scripted", "empty"), **UNANSWERED, error="response_ended", exit_status=52),
    Row("the connection is reset", get("scripted", "reset"), **UNANSWERED, error="connection_error", exit_status=56),
    Row("HTTP/0.9", get("scripted", "older"), **UNANSWERED, error="_OTHER", exit_status=1),
    Row("chunks without their sizes", get("scripted", "garbled"), error="connection_error", exit_status=56),
    Row("an encoding that is none", get("scripted", "coded", "--compressed"), error="invalid_response", exit_status=61),
    Row("more than is wanted", get("http", "thousand", "--max-filesize", "10"), error="configuration_limit_exceeded", exit_status=63),
    Row("the program cannot write what comes", get("http", "million", "-o", "/dev/full"), error="_OTHER", exit_status=23),
    Row("another protocol", lambda _: ["gopher://127.0.0.1:1/"], spans=0, exit_status=7),
    Row("a protocol that libcurl has not", lambda _: ["nothing://127.0.0.1/"], spans=0, exit_status=1),
    Row("WebSocket, a libcurl that has none", lambda _: ["ws://127.0.0.1:1/"], **UNANSWERED, error="_OTHER", exit_status=1, peer=None),
]  # fmt: skip


def without_times(done, agent):
    """An outcome in which how long it took does not count."""
    done = outcome(done, agent)
    return replace(done, stderr=re.sub(r"after \d+ (ms|milliseconds)", "after N ms", done.stderr))


def normalised(head):
    """What any two runs have different: the answers to challenges, and form boundaries."""
    lines = [line for line in head.strip().split("\r\n") if not line.lower().startswith("traceparent:")]
    return re.sub(r"(cnonce|response)=\"[^\"]*\"|(?<=NTLM )\S{60,}", "", "\n".join(lines))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_row(agent, receiver, world, busy_port, row):
    world.busy = busy_port
    words = ["curl", "-sS", "-H", "X-Own: header", *row.words(world)]
    runs = []
    for run in (agent.run_bare, agent.run):
        world.nginx.forget()
        world.scripted.heads.clear()
        before = len(world.apache.requests())
        done = run(*words)
        # A server writes its line when it is done, which may be after curl is; Apache that of the upgrade itself, status 101, seconds later.
        count = len(runs[0][1]) if runs else row.spans + (row.resent or 0)
        seen = world.nginx.requests(count if row.reaches_nginx(world, words[-1]) else 0)
        if f":{world.apache.port}/" in words[-1]:
            answered = lambda before=before: [request for request in world.apache.requests()[before:] if request.status != 101]  # noqa: E731
            assert wait_until(answered)
            seen += [(request.line, request.traceparent or "-") for request in answered()]
        uploaded = {file.name: file.read_bytes() for file in (world.nginx.folder / "files/dav").iterdir()}
        runs.append((without_times(done, agent), seen, list(world.scripted.heads), uploaded))
    (bare, bare_seen, bare_heads, bare_files), (traced, seen, heads, files) = runs
    assert traced == bare
    assert traced.status == row.exit_status, traced
    assert files == bare_files
    assert [line for line, _ in seen] == [line for line, _ in bare_seen]
    assert [normalised(head) for head in heads] == [normalised(head) for head in bare_heads]

    spans = receiver.wait(row.spans)
    curl = [span for span in spans if span.scope == SCOPE]
    assert len(curl) == row.spans
    for span in curl:
        assert span.attributes == row.attributes(world, words[-1])
        assert (span.name, span.kind, span.status_message) == (row.method, CLIENT, "")
        assert span.status == (STATUS_ERROR if row.error else STATUS_UNSET)
    # Each request brought a span's context, and none but it: those of one transfer the same.
    contexts = {f"00-{span.trace_id}-{span.span_id}-03" for span in curl}
    wanted = [context for _, context in seen] + [re.search(r"traceparent: (\S+)", head)[1] for head in heads]
    assert {context for context in wanted if context != "-"} <= contexts
    assert not any(context != "-" for _, context in bare_seen) and "traceparent" not in "".join(bare_heads)
    # What nginx answered before it had read a header (a wrong protocol) has none.
    assert Counter(context for context in wanted if context == "-")["-"] <= (1 if row.exit_status == 35 else 0)


# MARK: docs/coverage-http.md

ERRORS = [
    ("the status", "the response was 400 or more: `404`, `503`"),
    ("`name_resolution_error`", "no address for the server's name, or a proxy's (5, 6)"),
    ("`connection_error`", "no connection, or one that broke (7, 45, 55, 56, 89, 96)"),
    ("`secure_connection_error`", "TLS: the handshake, a certificate, a file for it (35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98, 101)"),
    ("`timeout`", "one of libcurl's time-outs (28)"),
    ("`response_ended`", "the response ended before its end, or before it began (18, 52)"),
    ("`invalid_response`", "a response that cannot be read (8, 61)"),
    ("`http_protocol_error`", "an error of HTTP/2 or HTTP/3 (16, 92, 95)"),
    ("`configuration_limit_exceeded`", "a limit of the program's: redirects, size (47, 63, 100)"),
    ("`user_authentication_error`", "a log-in that was denied before there was a status (67, 94)"),
    ("`proxy_tunnel_error`", "the proxy refused the tunnel (97, or its answer to CONNECT)"),
    ("`process_ended`", "the process ended in the middle of the transfer; also a signal's name ([containers.md](containers.md))"),
    ("`_OTHER`", "any other of libcurl's errors; a callback of the program's that failed (23, 26) is among them"),
]


def coverage_document():
    def version(row):
        return row.version or ""

    lines = [
        "# Coverage of HTTP",
        "",
        "What the span of a libcurl transfer says. Made by `python3 Tests/HostTests/test_http.py`; each row is a run of `test_http.py::test_row`, by",
        "Debian's curl, without the agent and with it, that must look the same from outside and to the server. The span has these attributes,",
        "method, URL and server, the peer where there was one, and no others.",
        "",
        "| the request | status code | `network.protocol.version` | `http.request.resend_count` | `error.type` |",
        "|---|---|---|---|---|",
    ]
    for row in ROWS:
        cells = [row.status, version(row), row.resent, row.error] if row.spans else ["no span", "", "", ""]
        lines.append(f"| {row.what} | " + " | ".join("" if cell is None else f"`{cell}`" if cell == row.error else str(cell) for cell in cells) + " |")
    lines += [
        "",
        "Requests that libcurl makes by itself, for a redirect or after a challenge, are part of one span with the URL that was asked for; they carry",
        "its context, and `http.request.resend_count` says how many there were beyond the first. What a program tries again itself is another span.",
        "Behind a proxy `network.peer.*` is the proxy.",
        "",
        "HTTP/3 needs a libcurl that speaks it, which Debian's does not. `test_http3.py` runs that of a wheel of pycurl (libcurl 8.23) against hypercorn: the same",
        "attributes, `network.protocol.version` 3.",
        "",
        "## error.type",
        "",
        "A response's status counts before libcurl's own error. A transfer that the program ended itself has none: by its progress callback (42), or by",
        "taking it out of its multi handle.",
        "",
        "| `error.type` | when (libcurl's error codes) |",
        "|---|---|",
        *(f"| {name} | {when} |" for name, when in ERRORS),
        "",
    ]
    return "\n".join(lines)


def test_the_document_is_current():
    assert (REPOSITORY / "docs/coverage-http.md").read_text() == coverage_document(), "run python3 Tests/HostTests/test_http.py"


def test_the_document_has_all_error_types():
    source = (REPOSITORY / "Sources/InstrumentationCurl/TransferError.swift").read_text()
    in_source = {name: numbers.replace(" ", "") for numbers, name in re.findall(r'case ([\d, ]+): "(\w+)"', source)}
    in_document = {name.strip("`"): re.search(r"\(([\d, ]+)", when) for name, when in ERRORS}
    for name, numbers in in_source.items():
        assert in_document[name] and in_document[name][1].replace(" ", "").strip(",") == numbers, name


if __name__ == "__main__":
    Path(REPOSITORY / "docs/coverage-http.md").write_text(coverage_document())
