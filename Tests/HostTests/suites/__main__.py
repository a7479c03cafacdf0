"""python -m suites [--document] [SUITE[:PART] …]: runs suites twice, all of them unless some are named; writes docs/hosts.md if it was all, or
with --document of what has been run here so far."""

import sys

from . import report
from .c_ares import CAres
from .cpython import CPython
from .curl import Curl, CurlWithPropagation
from .git import Git
from .hiredis import Hiredis
from .perl import Perl
from .redis import Redis
from .sqlite import SQLite
from .stress_ng import StressNG
from .twice import run_twice

SUITES = [CPython(), Curl(), CurlWithPropagation(), Git(), Redis(), Hiredis(), CAres(), Perl(), SQLite(), StressNG()]


def run(suite, wanted):
    suite.prepare()
    outcomes = []
    parts = suite.parts()
    # PART may go on with patterns: "cpython:test_ssl *Basic*".
    for part, touches in {name: parts.get(name, parts.get(name.split()[0], True)) for name in wanted or parts}.items():
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
        # A name that is no part's is a choice within one.
        if part in suite.parts():
            report.write(suite, outcome)
    return [fault for outcome in outcomes for fault in outcome.faults]


def main(arguments):
    is_documented = "--document" in arguments
    arguments = [argument for argument in arguments if argument != "--document"]
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
    # Results of other parts may be of another clone.
    if not chosen or is_documented:
        report.DOCUMENT.write_text(report.document([suite.name for suite in SUITES]))
    if faults:
        sys.exit(f"test-hosts: {len(faults)} differences between programs without and with the agent; see above")
    print("test-hosts: no difference between programs without and with the agent")


if __name__ == "__main__":
    main(sys.argv[1:])
