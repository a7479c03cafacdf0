"""docs/hosts.md, from the results that are in .build-hosts/results, one file for each suite."""

import json
import platform
import subprocess
import time

from harness.agent import REPOSITORY

from .suite import BUILT

RESULTS = BUILT / "results"
DOCUMENT = REPOSITORY / "docs/hosts.md"
SOAK = "\n## Soak\n\n"
HEAD = """# Hosts

Suites that nobody here wrote, run twice: without the agent and with it. Made by `make test-hosts`, which fails for a test that gets another
verdict with the agent than without. All processes of a suite have the agent, test servers and shells too, with a relay and a
collector that refuses whatever is not right. *Recorded* is the proof that the agent was active. Where the programs of a part do not connect
by themselves, each connects once before `main`, in both runs, so that it has a region.

Tests that fail in both runs fail on that machine without us: no network, root, no such device. *Unstable* ones got different verdicts in runs of
the same kind: up to three runs more on both sides tell them from differences.
"""


def write(suite, outcome):
    """Puts a part's outcome in the place of its last one."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{suite.name}.json"
    parts = json.loads(file.read_text())["parts"] if file.exists() else {}
    parts[outcome.part] = outcome.as_dict() | {"date": time.strftime("%Y-%m-%d"), "commit": commit()}
    order = list(suite.parts())
    results = {
        "suite": suite.name,
        "origin": suite.origin,
        "version": suite.version(),
        "system": system(),
        "parts": {part: parts[part] for part in order if part in parts},
    }
    file.write_text(json.dumps(results, indent=1))


def cell(counts):
    return " / ".join(map(str, counts))


def section(results):
    parts = list(results["parts"].values())
    dates = sorted({part["date"] for part in parts})
    commits = list(dict.fromkeys(part["commit"] for part in parts))
    total = [[sum(part[side][index] for part in parts) for index in range(3)] for side in ("bare", "traced")]
    yield f"\n## {results['suite']} {results['version']}\n\n{results['origin']}. {' to '.join({dates[0]: 0, dates[-1]: 0})}, agent of commit {', '.join(commits)}, {results['system']}.\n"
    yield "| | pass / fail / skip, bare | with the agent | different | unstable | recorded |\n|---|---|---|---|---|---|"
    for part in parts:
        recorded = f"{part['spans']} spans, {part['processes']} processes"
        yield f"| {part['part']} | {cell(part['bare'])} | {cell(part['traced'])} | {len(part['different'])} | {len(part['unstable'])} | {recorded} |"
    sums = [sum(len(part[kind]) for part in parts) for kind in ("different", "unstable")]
    spans = sum(part["spans"] for part in parts)
    yield f"| **together** | **{cell(total[0])}** | **{cell(total[1])}** | **{sums[0]}** | **{sums[1]}** | **{spans} spans** |"
    for kind in ("different", "unstable"):
        lines = [
            f"- `{test}`: bare {', '.join(map(str, bare))}; with the agent {', '.join(map(str, traced))}"
            for part in parts
            for test, (bare, traced) in part[kind].items()
        ]
        if lines:
            yield f"\n{kind.capitalize()}:\n\n" + "\n".join(lines)


def document(order):
    """The text of docs/hosts.md, suites in `order`; those without a result are left out, and the soak's section stays as it is."""
    files = [RESULTS / f"{name}.json" for name in order]
    text = HEAD + "\n".join(line for file in files if file.exists() for line in section(json.loads(file.read_text()))) + "\n"
    before = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    return text + "".join(before.partition(SOAK)[1:])


def write_soak(text):
    """Puts the soak's result at the end of docs/hosts.md."""
    before = DOCUMENT.read_text() if DOCUMENT.exists() else HEAD
    DOCUMENT.write_text(f"{before.partition(SOAK)[0]}{SOAK}{text}\n")


def commit():
    """The last one that changed what ships: the agent that was built before a run."""
    command = ["git", "log", "-1", "--format=%h", "--", "Sources", "CShims", "Package.swift"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


def system():
    """What the verdicts depend on, and the agent may depend on."""
    release = platform.freedesktop_os_release()
    return f"{release['PRETTY_NAME']}, Linux {platform.release()}, {' '.join(platform.libc_ver())}"
