"""Programs that are made with libcurl, and WebSockets: each is as it is without the agent, and each request is one span."""

import re

import pytest

from harness import programs
from harness.agent import REPOSITORY, wait_until
from harness.httpservers import Nginx, ScriptedServer
from harness.receiver import STATUS_ERROR, STATUS_UNSET
from harness.twin import outcome

CURL = "otelagent.instrumentation.curl"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("programs"))
    yield nginx
    nginx.stop()


def run_both(agent, nginx, count, *words, folder=None):
    """Twins, each with `count` requests; returns those of the run under the agent."""
    runs = []
    for run in (agent.run_bare, agent.run):
        nginx.forget()
        if folder:
            for file in folder.iterdir():
                file.unlink()
        done = run(*words)
        requests = nginx.requests(count)
        files = {file.name: file.read_bytes() for file in folder.iterdir()} if folder else {}
        runs.append((outcome(done, agent), [line for line, _ in requests], files))
    assert runs[0] == runs[1]
    assert runs[0][0].status == 0 and len(requests) == count, runs
    return requests


def assert_told(receiver, requests):
    """One span for each request, whose context it brought."""
    spans = {f"00-{span.trace_id}-{span.span_id}-03": span for span in receiver.wait(len(requests)) if span.scope == CURL}
    assert len(spans) == len(requests)
    for line, context in requests:
        method, target, status, _ = line.split()
        span = spans.pop(context)
        assert (span.name, span.attributes["http.response.status_code"]) == (method, int(status))
        assert span.attributes["url.full"].endswith(target)
        assert span.status == (STATUS_ERROR if status == "404" else STATUS_UNSET)


def test_curl_with_a_hundred_urls(agent, receiver, nginx, tmp_path):
    url = f"https://127.0.0.1:{nginx.ports['tls']}/ten?[1-100]"
    words = ["curl", "-sS", "-Z", "--no-progress-meter", "--cacert", nginx.authority, url, "-o", f"{tmp_path}/#1"]
    runs = []
    for run in (agent.run_bare, agent.run):
        nginx.forget()
        done = outcome(run(*words), agent)
        requests = nginx.requests(100)
        runs.append((done, sorted(line for line, _ in requests)))
    assert runs[0] == runs[1] and runs[0][0].status == 0 and len(requests) == 100
    assert {file.read_text() for file in tmp_path.iterdir()} == {"0123456789"}
    assert_told(receiver, requests)
    assert {span.attributes["network.protocol.version"] for span in receiver.spans} == {"2"}


def test_cmake(agent, receiver, nginx, tmp_path):
    url = f"http://127.0.0.1:{nginx.ports['http']}"
    script, folder = tmp_path / "download.cmake", tmp_path / "files"
    folder.mkdir()
    script.write_text(f"""
file(DOWNLOAD {url}/ten {folder}/ten STATUS status)
message("${{status}}")
file(DOWNLOAD {url}/none {folder}/none STATUS status)
message("${{status}}")
file(UPLOAD {folder}/ten {url}/dav/up STATUS status)
message("${{status}}")
""")
    requests = run_both(agent, nginx, 3, "cmake", "-P", script, folder=folder)
    assert [line for line, _ in requests] == ["GET /ten 200 HTTP/1.1", "GET /none 404 HTTP/1.1", "PUT /dav/up 201 HTTP/1.1"]
    assert_told(receiver, requests)


def test_r(agent, receiver, nginx, tmp_path):
    url = f"http://127.0.0.1:{nginx.ports['http']}"
    code = f"""download.file("{url}/ten", "{tmp_path}/ten", method = "libcurl", quiet = TRUE); cat(readLines(url("{url}/ten", method = "libcurl"), warn = FALSE))
download.file(c("{url}/ten?1", "{url}/ten?2"), c("{tmp_path}/1", "{tmp_path}/2"), method = "libcurl", quiet = TRUE)"""
    requests = run_both(agent, nginx, 4, "Rscript", "--vanilla", "-e", code, folder=tmp_path)
    assert_told(receiver, requests)


def test_the_libcurl_of_another_wheel(agent, receiver, nginx, tmp_path):
    """pyproj's: PROJ looks for grids over HTTP, by a libcurl of its own with a name of its own."""
    code = """
import pyproj
pyproj.network.set_network_enabled(True)
for grid in ("ten", "none"):
    try:
        pyproj.Transformer.from_pipeline(f"+proj=vgridshift +grids={grid}")
    except pyproj.exceptions.ProjError as error:
        print(error)
"""
    wheels = REPOSITORY / ".build-python/wheels"
    path = f"{wheels / 'pyproj-3.7.2'}:{wheels / 'certifi-2024.8.30'}"
    endpoint = f"http://127.0.0.1:{nginx.ports['http']}"
    # What PROJ has seen it keeps in a file, for the next run.
    fresh = f'PROJ_USER_WRITABLE_DIRECTORY=$(mktemp -d -p {tmp_path}) exec "$@"'
    command = ["sh", "-c", fresh, "sh", "env", f"PYTHONPATH={path}", f"PROJ_NETWORK_ENDPOINT={endpoint}", "/usr/bin/python3", "-c", code]
    requests = run_both(agent, nginx, 2, *command)
    assert [line for line, _ in requests] == ["GET /ten 206 HTTP/1.1", "GET /none 404 HTTP/1.1"]
    assert_told(receiver, requests)


def test_a_websocket(agent, receiver):
    server = ScriptedServer()
    try:
        command = ["/usr/bin/python3", programs.SOURCES / "websocket.py", f"ws://127.0.0.1:{server.port}/ws"]
        path = REPOSITORY / ".build-python/wheels/pycurl-7.49.0"
        bare = outcome(agent.run_bare(*command, PYTHONPATH=path), agent)
        assert bare.status == 0 and "word" in bare.stdout, bare
        traced = outcome(agent.run(*command, PYTHONPATH=path), agent)
        assert traced == bare
        assert wait_until(lambda: len(server.heads) == 2)
        (span,) = receiver.wait(1)
        assert re.search(r"traceparent: (\S+)", server.heads[1])[1] == f"00-{span.trace_id}-{span.span_id}-03"
        assert (span.name, span.status) == ("GET", STATUS_UNSET)
        assert span.attributes == {
            "http.request.method": "GET",
            "url.full": f"ws://127.0.0.1:{server.port}/ws",
            "server.address": "127.0.0.1",
            "server.port": server.port,
            "http.response.status_code": 101,
            "network.protocol.version": "1.1",
            "network.peer.address": "127.0.0.1",
            "network.peer.port": server.port,
        }
    finally:
        server.stop()
