"""The shipped agent inside an older Debian: its C library is older than the one that it was linked on."""

import os
import shutil
import subprocess

import pytest

from harness.agent import REPOSITORY

RELEASE = "bullseye"  # glibc 2.31, libcurl 7.74
ROOT = REPOSITORY / f".build-debian/{RELEASE}"
MIRROR = "http://deb.debian.org/debian"


@pytest.fixture(scope="module")
def older():
    """The root of an older Debian, made once and kept."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap, for a root file system of an older Debian")
    if not (ROOT / "usr/bin/curl").exists():
        shutil.rmtree(ROOT, ignore_errors=True)
        ROOT.mkdir(parents=True)
        command = ["debootstrap", "--variant=minbase", "--include=curl", RELEASE, ROOT, MIRROR]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            shutil.rmtree(ROOT, ignore_errors=True)
            pytest.skip(f"no {RELEASE} to be had from {MIRROR}: {done.stdout.strip().splitlines()[-1]}")
    return ROOT


def inside(agent, older, *command, **variables):
    """Runs in the older root; the agent's folder and the relay's socket are seen there at the same paths as outside."""
    mounts = "\n".join(
        f'mkdir -p "{older}{path}" && mount --bind "{path}" "{older}{path}"' for path in (agent.layout.root, agent.world, "/proc")
    )
    script = f'set -e\n{mounts}\nexec chroot "{older}" /usr/bin/env LD_PRELOAD={agent.layout.library} "$@"'
    environment = agent.bare_environment(OTEL_NATIVE_RELAY="external", **variables)
    return agent.run("unshare", "-m", "sh", "-c", script, "sh", *command, environment=environment)


def test_any_program_starts(agent, older):
    done = inside(agent, older, "/bin/true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = inside(agent, older, "/bin/bash", "-c", "ls / | sort | head -1; perl -e 'print 6 * 7'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "bin\n42", "")


def test_its_curl_is_traced(agent, receiver, web, older):
    agent.start_relay()
    done = inside(agent, older, "/usr/bin/curl", "-sS", web.url)
    assert (done.returncode, done.stderr) == (0, "")
    (span,) = receiver.wait(1)
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET", 200)
    assert web.requests[0].traceparent[36:52] == span.span_id


def test_an_older_c_library_records_connects(agent, receiver, acceptor, older):
    agent.start_relay()
    script = f"exec 3<>/dev/tcp/127.0.0.1/{acceptor}"
    done = inside(agent, older, "/bin/bash", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.wait(1)) == 1
