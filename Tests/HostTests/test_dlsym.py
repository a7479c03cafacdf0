"""The hook of dlsym: nobody but those who ask for libcurl's functions can tell that it is there, other preload libraries included."""

import re
import subprocess

import pytest

from harness import preloads, programs
from harness.agent import DIST, REPOSITORY

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


@pytest.mark.parametrize("flavour", ["libcurl.so.4", "libcurl-gnutls.so.4", ""])
def test_errors_addresses_and_errno(agent, flavour):
    """Which object an address is in, dlerror's message or silence, errno; two look-ups of one name are one address."""
    done = preloads.same(agent, None, DIST.library, lookups(), *([flavour] if flavour else []))
    assert done.status == 0
    assert "next getpagesize: libc.so.6" in done.stdout
    if flavour:
        assert "perform is one function: 1" in done.stdout


@pytest.mark.parametrize("order", ["before", "after"])
def test_rtld_next_of_another_preload(agent, order):
    other = programs.library("next.so")
    preload = f"{other}:{DIST.library}" if order == "before" else f"{DIST.library}:{other}"
    done = preloads.same(agent, other, preload, lookups(), "libcurl.so.4")
    assert done.status == 0
    assert "next.so was entered 2 times" in done.stdout
