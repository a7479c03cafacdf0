"""Programs built with sanitizers: each says and ends as it would alone, under the launcher and, where it bears that, under LD_PRELOAD."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from harness import programs
from harness.agent import REPOSITORY
from harness.twin import outcome

SWIFT_CLANG = shutil.which("clang")
# What becomes of each under the launcher, and under LD_PRELOAD alone. gcc's AddressSanitizer is a library that ends a program in which it
# is not the first; the launcher runs what it can tell by a library's name without the agent. clang's are part of the program.
BARE, TRACED, REFUSED = "bare", "traced", "refused by the sanitizer"
TABLE = {
    ("gcc", "address"): (BARE, REFUSED),
    ("gcc", "thread"): (BARE, TRACED),
    ("gcc", "undefined"): (TRACED, TRACED),
    ("gcc", "leak"): (TRACED, TRACED),
    ("clang", "address"): (TRACED, TRACED),
    ("clang", "thread"): (TRACED, TRACED),
    ("clang", "memory"): (TRACED, TRACED),
    ("clang", "undefined"): (TRACED, TRACED),
    ("clang", "leak"): (TRACED, TRACED),
}


def build(compiler, sanitizer, name):
    source = REPOSITORY / "examples/c-http-client/client.c" if name == "client" else programs.SOURCES / f"{name}.c"
    command = [SWIFT_CLANG if compiler == "clang" else "gcc", "-std=gnu11", f"-fsanitize={sanitizer}"]
    libraries = ["-lcurl"] if name == "client" else []
    if (compiler, sanitizer) == ("clang", "thread"):
        # The toolchain's own: its library knows of dispatch queues.
        runtime = Path(SWIFT_CLANG).resolve().parents[1] / "lib/swift/linux"
        libraries += [f"-L{runtime}", f"-Wl,-rpath,{runtime}", "-ldispatch", "-lBlocksRuntime"]
    return programs.build(f"{name}-{compiler}-{sanitizer}", source, libraries=libraries, compiler=command)


@pytest.mark.parametrize("how, name, spans", [("info", "localhost", 1), ("r", "localhost", 1), ("byname", "localhost", 1), ("again", "localhost", 2), ("info", "x" * 300, 1),
                                              ("info", "127.0.0.1", 0), ("many", "localhost", 401)])  # fmt: skip
@pytest.mark.parametrize("sanitizer", ["address", "thread", "undefined"])
def test_names_that_are_looked_up(agent, receiver, sanitizer, how, name, spans):
    """Of clang's sanitizers, which wrap these functions themselves."""
    command = [build("clang", sanitizer, "names"), how, name, *([100] if how == "many" else [])]
    bare, traced = agent.run_bare(*command), agent.run(*command)
    assert bare.returncode == 0, bare.stderr
    assert outcome(traced, agent) == outcome(bare, agent)
    assert len(receiver.wait(spans) if spans else receiver.wait(1, timeout=0.3)) == spans


@pytest.mark.parametrize("compiler, sanitizer", TABLE)
def test_a_program_with_a_sanitizer(agent, receiver, web, acceptor, compiler, sanitizer):
    launched, preloaded = TABLE[compiler, sanitizer]
    hosts = {"dialer": [acceptor, 3], "client": [web.url, 3]}
    if sanitizer == "memory":
        del hosts["client"]  # What libcurl writes, MemorySanitizer has not seen: without the agent it ends that program too.
    for name, arguments in hosts.items():
        program = build(compiler, sanitizer, name)
        bare = outcome(agent.run_bare(program, *arguments), agent)
        assert bare.status == 0, bare.stderr
        for how, expected in ((agent.launch, launched), (agent.run, preloaded)):
            receiver.clear()
            done = outcome(how(program, *arguments), agent)
            if expected == REFUSED:
                assert "ASan runtime does not come first" in done.stderr
                continue
            if expected == BARE:
                (line,) = done.stderr.splitlines()
                assert line.startswith(f"otel-instrument: {program} runs without the agent: it uses lib")
                done = dataclasses.replace(done, stderr=bare.stderr)
            assert done == bare
            assert len(receiver.wait(3) if expected == TRACED else receiver.spans) == (3 if expected == TRACED else 0)
