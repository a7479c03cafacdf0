"""Under tools that look into a program: what they say of it is what they say without the agent."""

import re
import subprocess

import pytest
from harness import programs
from harness.twin import outcome


def test_a_thousand_threads_with_the_smallest_stacks(agent, receiver, acceptor):
    command = [programs.build("threads"), 1000, acceptor]
    bare, traced = agent.run_bare(*command), agent.run(*command)
    assert (bare.returncode, bare.stdout) == (0, "1000 threads, 0 wrong\n")
    assert outcome(traced, agent) == outcome(bare, agent)
    assert len(receiver.wait(1020)) == 1020


TOOLS = {
    # The helper that makes the region is a child to valgrind, which would have its own say at the end of each.
    "memcheck": ["--leak-check=full", "--show-leak-kinds=all", "--child-silent-after-fork=yes"],
    "helgrind": ["--child-silent-after-fork=yes"],
    "drd": ["--child-silent-after-fork=yes"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_valgrind(agent, web, acceptor, tool):
    """As many errors with the agent as without: none. Nothing is recorded: to valgrind the helper that makes the region is a fork, whose
    memory is its own."""
    program = [programs.http_client(), web.url, 2] if tool == "memcheck" else [programs.build("threads"), 4, acceptor]
    command = ["valgrind", f"--tool={tool}", "--error-exitcode=9", *TOOLS[tool], *program]

    def run(environment):
        done = agent.run(*command, environment=environment, timeout=170)
        text = re.sub(r"==\d+== ?", "", done.stderr)
        return done.returncode, done.stdout, re.findall(r"ERROR SUMMARY: (\d+) errors|(\w+ lost: .*)|(still reachable: .* blocks)", text), done.stderr

    *bare, _ = run(agent.bare_environment())
    *traced, said = run(agent.environment())
    assert bare[0] == 0 and traced == bare, said


def gdb(agent, program, *commands):
    """Runs `commands` with LD_PRELOAD in the program alone."""
    words = [word for command in commands for word in ("-ex", command)]
    # Without a shell between: the program is to be the only one with the agent.
    command = ["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set startup-with-shell off", *words, *program]
    return subprocess.run([str(word) for word in command], env=agent.bare_environment(), capture_output=True, text=True, timeout=170).stdout


def test_gdb_sees_through_our_frames(agent, receiver, web, tmp_path):
    """From a callback to main; and what it writes as a core file, as the kernel does, has nothing of what was recorded."""
    client, core = programs.http_client(), tmp_path / "core"
    said = gdb(
        agent, ["--args", client, web.url, 2], f"set environment LD_PRELOAD={agent.layout.library}", "break discard", "run", "backtrace",
        "info proc mappings", f"generate-core-file {core}", "delete", "continue",
    )
    assert re.search(r"#\d+ .* in curl_easy_perform .*\n(#\d+ .* from .*/libotelagent\.so\n)+#\d+ .* main \(", said), said
    assert "2 requests answered" in said
    assert len(receiver.wait(2)) == 2
    mappings = re.findall(r"0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+rw-s\s+(\S+)", said)
    regions = [(int(start, 16), int(end, 16)) for start, end, path in mappings if "memfd:" in path]
    assert regions, said
    headers = subprocess.run(["readelf", "--segments", "--wide", core], capture_output=True, text=True, check=True).stdout
    dumped = [(int(start, 16), int(size, 16)) for start, size in re.findall(r"LOAD +\S+ 0x([0-9a-f]+) \S+ 0x([0-9a-f]+)", headers)]
    assert dumped
    for start, end in regions:
        assert not [address for address, size in dumped if size and address < end and address + size > start]
    assert re.search(r" main \(.*", gdb(agent, [client, core], "backtrace"))
