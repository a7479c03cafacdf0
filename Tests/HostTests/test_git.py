"""Debian's git, which drives GnuTLS's libcurl by the multi interface, against a real server: what it fetches is what it fetches
without the agent, and every request is one span."""

import re
from pathlib import Path

import pytest

from harness.agent import wait_until
from harness.gitserver import GitServer
from harness.receiver import STATUS_UNSET

PARENT_TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@b.c"]


@pytest.fixture
def server():
    server = GitServer()
    yield server
    server.stop()


class Git:
    """Runs git bare and then under the agent, each in a folder of its own, and asserts that nobody can tell which was which."""

    def __init__(self, agent, receiver, server, folder):
        self.agent, self.receiver, self.server, self.folder = agent, receiver, server, folder
        self.variables = {"GIT_SSL_CAINFO": server.authority, "TRACEPARENT": f"00-{PARENT_TRACE}-{PARENT_SPAN}-01"}

    def run(self, *words):
        """`WHICH` in a word is `bare` or `traced`."""
        bare = self._run("bare", self.agent.bare_environment(**self.variables), words)
        traced = self._run("traced", self.agent.environment(**self.variables), words)
        assert traced == bare
        assert bare[0] == 0, bare
        return bare

    def _run(self, which, environment, words):
        done = self.agent.run("git", "-C", self.folder, *(str(word).replace("WHICH", which) for word in words), environment=environment)
        # Progress is told as often as time allows, with the speed.
        steps = sorted(set(re.findall(r"(?:remote: )?[A-Z]\w+ \w+(?=: +\d+%)", done.stderr)))
        rest = [line for line in done.stderr.splitlines() if "%" not in line and "remote: " not in line]
        return done.returncode, done.stdout.replace(which, "WHICH"), [line.replace(which, "WHICH") for line in rest], steps

    def spans(self, expected):
        """Each request of the runs under the agent is one span, and there is no other. The server saw as many from the bare runs."""

        def by_run():
            requests = self.server.requests()
            return [request for request in requests if request.traceparent], [request for request in requests if not request.traceparent]

        assert wait_until(lambda: len(by_run()[0]) == len(by_run()[1]) == expected, timeout=60), by_run()
        assert self.receiver.wait_until(lambda spans: len(spans) == expected, timeout=60), self.agent.relay_status().stdout
        spans = {span.span_id: span for span in self.receiver.spans}
        traced, bare = by_run()
        assert sorted(request.line for request in traced) == sorted(request.line.replace("bare", "traced") for request in bare)
        for request in traced:
            span = spans.pop(request.traceparent[36:52])
            assert (span.name, span.status, span.trace_id, span.parent_span_id) == (request.method, STATUS_UNSET, PARENT_TRACE, PARENT_SPAN)
            assert span.attributes["url.full"].split("?")[0].endswith(request.path)
            assert span.attributes["http.response.status_code"] == request.status
            assert span.attributes["network.protocol.version"] == request.version
            assert span.resource["process.executable.name"] == "git-remote-http"
        assert not spans


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_everyday(agent, receiver, server, tmp_path, scheme):
    git, url = Git(agent, receiver, server, tmp_path), server.urls[scheme]
    assert "refs/heads/main" in git.run("ls-remote", url)[1]

    git.run("clone", "--progress", url, "WHICH")
    for arguments in (["log", "--format=%H"], ["for-each-ref"], ["status", "--short"]):
        git.run("-C", "WHICH", *arguments)
    assert files(tmp_path / "bare") == files(tmp_path / "traced")
    assert len(files(tmp_path / "traced")) == 10

    for which in ("bare", "traced"):
        (tmp_path / which / "new").write_text("new\n")
    git.run("-C", "WHICH", "add", "new")
    git.run("-C", "WHICH", *IDENTITY, "commit", "-q", "-m", "new", "--date=@1700000000 +0000")
    git.run("-C", "WHICH", "push", "origin", "HEAD:refs/heads/WHICH")
    git.run("clone", "-q", "--depth=1", "--branch=WHICH", url, "WHICH-second")
    # The branch that the other pushed.
    git.run("-C", "WHICH-second", "fetch", "-q", "origin", "+refs/heads/WHICH:refs/heads/fetched")
    assert files(tmp_path / "bare-second") == files(tmp_path / "traced")
    git.spans(expected=12)


def test_a_repository_that_is_not_there(agent, receiver, server, tmp_path):
    for environment in (agent.bare_environment(), agent.environment()):
        done = agent.run("git", "ls-remote", f"{server.urls['http']}-that-is-not-there", environment=environment)
        assert (done.returncode, done.stdout) == (128, "")
    (span,) = receiver.wait(1)
    assert (span.name, span.error, span.attributes["http.response.status_code"]) == ("GET", "404", 404)


def test_a_certificate_that_nobody_signed(agent, receiver, server):
    done = agent.run("git", "ls-remote", server.urls["https"])
    assert done.returncode == 128
    assert "certificate" in done.stderr
    (span,) = receiver.wait(1)
    assert span.error == "secure_connection_error"
