"""The hook of dlsym: nobody but those who ask for libcurl's functions can tell that it is there, other preload libraries included."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import programs
from harness.agent import DIST, REPOSITORY
from harness.twin import outcome

PYTHON = "/usr/bin/python3"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
UNSTRIPPED = REPOSITORY / ".build-embedded/release/libotelagent.so"


def lookups():
    return programs.build("lookups", libraries=["-ldl"])


def instructions(function):
    """The disassembly of one function of the agent, an instruction a line."""
    listing = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", UNSTRIPPED], check=True, capture_output=True, text=True
    ).stdout
    body = re.search(rf"^[0-9a-f]+ <{function}>:\n(.*?)(?:\n\n|\Z)", listing, re.S | re.M)[1]
    lines = [line.partition("\t")[2].strip() for line in body.splitlines()]
    return [line for line in lines if not line.startswith(("int3", "nop"))]


def test_the_real_one_is_jumped_to():
    """No call and no return: the real dlsym returns to our caller, who is who RTLD_NEXT is about."""
    body = instructions("dlsym")
    assert [line for line in body if line.startswith(("call", "ret"))] == []
    jumps = [line for line in body if line.startswith("jmp") and "<dlsym" not in line]
    assert len(jumps) == 2 and any("*" in line for line in jumps), jumps
    # What was pushed is popped again before each of them.
    pushes, pops = (sum(line.startswith(word) for line in body) for word in ("push", "pop"))
    assert pops == pushes * len(jumps)
    assert not any("rsp" in line and line.startswith(("sub", "add", "lea")) for line in body)


def same(agent, bare_preload, traced_preload, *command, **variables):
    """Runs with the two LD_PRELOADs; returns what they have in common."""
    bare = outcome(agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=bare_preload, **variables)), agent)
    traced = outcome(agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=traced_preload, **variables)), agent)
    assert traced == bare
    return bare


@pytest.mark.parametrize("flavour", ["libcurl.so.4", "libcurl-gnutls.so.4", ""])
def test_errors_addresses_and_errno(agent, flavour):
    """Which object an address is in, dlerror's message or silence, errno; two look-ups of one name are one address."""
    done = same(agent, None, DIST.library, lookups(), *([flavour] if flavour else []))
    assert done.status == 0
    assert "next getpagesize: libc.so.6" in done.stdout
    if flavour:
        assert "perform is one function: 1" in done.stdout


@pytest.mark.parametrize("order", ["before", "after"])
def test_rtld_next_of_another_preload(agent, order):
    other = programs.library("next.so")
    preload = f"{other}:{DIST.library}" if order == "before" else f"{DIST.library}:{other}"
    done = same(agent, other, preload, lookups(), "libcurl.so.4")
    assert done.status == 0
    assert "next.so was entered 2 times" in done.stdout


OTHERS = {
    "libfaketime": ("faketime/libfaketime.so.1", {"FAKETIME": "+0"}),
    "proxychains4": ("libproxychains.so.4", {"PROXYCHAINS_QUIET_MODE": "1"}),
    "nss_wrapper": ("libnss_wrapper.so", {}),
    "jemalloc": ("libjemalloc.so.2", {}),
    "tcmalloc": ("libtcmalloc_minimal.so.4", {}),
    "mimalloc": ("libmimalloc.so.2.0", {}),
}


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("name", OTHERS)
def test_beside_others(agent, receiver, web, tmp_path, name, order):
    """Each library before us and behind us: the same to a program that looks things up, and to one that makes a request by ctypes."""
    file, variables = OTHERS[name]
    other = LIBRARIES / file
    assert other.exists()
    if name == "proxychains4":
        (tmp_path / "proxychains.conf").write_text("strict_chain\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\nsocks5 127.0.0.1 9\n")
        variables = variables | {"PROXYCHAINS_CONF_FILE": tmp_path / "proxychains.conf"}
    preload = f"{other}:{DIST.library}" if order == "before" else f"{DIST.library}:{other}"
    assert same(agent, other, preload, lookups(), "libcurl.so.4", **variables).status == 0
    client = [PYTHON, programs.SOURCES / "ctypes_client.py", web.url, "libcurl.so.4", "libcurl-gnutls.so.4"]
    assert same(agent, other, preload, *client, **variables).stdout == "200 GET\n0 200\n" * 2
    bare, traced = web.requests[:2], web.requests[2:]
    assert [request.traceparent for request in bare] == [None, None]
    assert {request.traceparent[36:52] for request in traced} == {span.span_id for span in receiver.wait(2)}


# MARK: Two agents in one process


@pytest.mark.parametrize("preload", ["{agent}:{agent}", "{agent}:{copy}", "{copy}:{agent}", "{agent}:{copy}:{agent} {copy}"])
def test_a_second_copy_stays_out(agent, receiver, web, tmp_path, preload):
    """Listed twice, at two paths, or both: one span a call, of both instrumentations, and one traceparent."""
    agent.start_relay()
    copy = shutil.copy(DIST.library, tmp_path / "copy.so")
    preload = preload.format(agent=DIST.library, copy=copy)
    environment = agent.bare_environment(LD_PRELOAD=preload)
    commands = [
        ["curl", "-sS", f"{web.url}/curl"],
        [PYTHON, programs.SOURCES / "ctypes_client.py", f"{web.url}/ctypes", "libcurl-gnutls.so.4"],
        [programs.build("dialer"), web.port, 1],
    ]
    for command in commands:
        assert outcome(agent.run(*command, environment=environment), agent) == outcome(agent.run_bare(*command), agent)
    spans = receiver.wait(3)
    assert sorted(span.scope.rpartition(".")[2] for span in spans) == ["curl", "curl", "sockets"]
    carried = [request.traceparent for request in web.requests if request.traceparent]
    assert {line[36:52] for line in carried} == {span.span_id for span in spans if span.scope.endswith("curl")}


def test_a_launcher_under_a_copy(agent, receiver, web, tmp_path):
    copy = shutil.copy(DIST.library, tmp_path / "copy.so")
    words = [DIST.launcher, DIST.launcher, "curl", "-sS", web.url]
    assert agent.run(*words, environment=agent.bare_environment(LD_PRELOAD=copy)).returncode == 0
    assert [span.span_id for span in receiver.wait(1)] == [web.requests[0].traceparent[36:52]]
