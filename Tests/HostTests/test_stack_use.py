"""What a hook takes of its caller's stack: programs have threads with 16 KiB of it."""

import pytest
from harness import programs
from harness.agent import REPOSITORY

# curl's hooks encode a span; the others' is part of what a thread with the smallest stack has left.
LIMIT, CURL_LIMIT = 1024, 2048


def hooked():
    lines = (REPOSITORY / "scripts/golden/exports.txt").read_text().splitlines()
    return sorted({line.partition("@")[0] for line in lines if line and not line.startswith("#")})


def used(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(number) for name, number in (line.split() for line in done.stdout.splitlines())}


@pytest.mark.parametrize("exporter", ["otlp", "console", "console,otlp"])
def test_a_hook_takes_little_of_a_stack(agent, receiver, web, measured, exporter):
    """Painted: how much deeper the stack was written to with the agent than without."""
    command = [programs.build("stack_use", flags=["-Wl,-z,now"], libraries=["-lcurl", "-ldl"]), web.url, *hooked()]
    bare = used(agent.run_bare(*command))
    traced = used(agent.run(*command, OTEL_TRACES_EXPORTER=exporter))
    assert len(traced) == len(hooked()) + 1
    more = {name: traced[name] - bare[name] for name in traced}
    first = more.pop("first")
    worst = max(more, key=more.get)
    measured(f"stack: with {exporter} a hook takes {more[worst]} bytes at most ({worst}), the first record {first}")
    assert more["connect"] > 0, "nothing was traced"
    over = {name: bytes for name, bytes in more.items() if bytes > (CURL_LIMIT if name.startswith("curl_") else LIMIT)}
    assert not over
    # The first record of a process is made by a helper that has a stack of its own.
    assert first <= 2 * LIMIT
