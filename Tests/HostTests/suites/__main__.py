"""python -m suites [SUITE[:PART] …]: runs suites twice, all of them unless some are named, and writes docs/hosts.md."""

import sys
import time

from harness.agent import REPOSITORY

from . import report
from .cpython import CPython
from .stress_ng import StressNG
from .twice import run_twice

SUITES = [CPython(), StressNG()]


def run(suite, wanted):
    suite.prepare()
    outcomes = []
    for part, touches in suite.parts().items():
        if wanted and part not in wanted:
            continue
        outcome = run_twice(suite, part, touches)
        outcomes.append(outcome)
        same = "as bare" if not outcome.different else f"{len(outcome.different)} DIFFERENT"
        print(
            f"{suite.name}: {part}: {report.cell(outcome.traced)} pass/fail/skip, {same}, {len(outcome.unstable)} unstable, "
            f"{outcome.spans} spans of {outcome.processes} processes, {outcome.seconds} s",
            flush=True,
        )
        for fault in outcome.faults:
            print(f"    FAULT: {fault}", flush=True)
    if not wanted:
        report.write(
            {
                "suite": suite.name,
                "origin": suite.origin,
                "version": suite.version(),
                "date": time.strftime("%Y-%m-%d"),
                "system": report.system(),
                "parts": [outcome.as_dict() for outcome in outcomes],
            }
        )
    return [fault for outcome in outcomes for fault in outcome.faults]


def main(arguments):
    names = {suite.name.lower(): suite for suite in SUITES}
    chosen = {}
    for argument in arguments:
        name, _, part = argument.partition(":")
        if name.lower() not in names:
            sys.exit(f"test-hosts: unknown suite '{name}'; they are {', '.join(names)}")
        chosen.setdefault(name.lower(), []).extend([part] if part else [])
    faults = []
    for name, suite in names.items():
        if not chosen or name in chosen:
            faults += run(suite, chosen.get(name))
    (REPOSITORY / "docs/hosts.md").write_text(report.document([suite.name for suite in SUITES]))
    if faults:
        sys.exit(f"test-hosts: {len(faults)} differences between programs without and with the agent; see above")
    print("test-hosts: no difference; docs/hosts.md is renewed")


if __name__ == "__main__":
    main(sys.argv[1:])
