#!/usr/bin/env python3
"""Measures the shipped agent, relay and launcher, prints a table, and keeps it in Benchmarks/results.

    bench.py [--dist DIR] [--document FILE] [NAME...]

NAME: measure only these (functions of measurements.py). --document also writes the table as Markdown.
Exit status 1 when an instruction count is over its limit or a measurement could not be made. A time over its limit is marked, no more:
the machine may be busy.
"""

import argparse
import datetime
import os
import platform
import re
import sys
from pathlib import Path

import measurements
from scene import BENCHMARKS, Distribution, Programs, Unmeasured

RESULTS = BENCHMARKS / "results"


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{os.cpu_count()} × {model[1] if model else platform.machine()}, Linux {platform.release()}, {system}"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cells(row):
    limit = "" if row.limit is None else f"≤ {number(row.limit).removesuffix('.00').removesuffix('.0')} {row.unit}"
    verdict = "" if row.limit is None else "yes" if row.within else "NO"
    return row.what, f"{number(row.value)} {row.unit}", limit, verdict, row.behind


HEADINGS = ("what the agent adds", "measured", "limit", "within", "behind it")


def as_text(rows):
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[k]) for line in table) for k in range(len(HEADINGS) - 1)]
    return "\n".join("  ".join(line[k].ljust(width) for k, width in enumerate(widths)) + "  " + line[-1] for line in table)


def as_markdown(rows, failures):
    lines = [
        "# Performance",
        "",
        f"Measured {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC by `make bench` on {machine()}.",
        "",
        "Each number is a difference within one run: the same program with the agent and without it. Instructions are counted one by one"
        " with the processor's trap flag ([step.h](../Benchmarks/programs/step.h) says why not by callgrind alone) and decide; times are"
        " orders of magnitude on a shared machine. A measurement counts only when exactly the spans that should exist have arrived.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|---" * len(HEADINGS) + "|",
    ]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
    lines += [f"\nNot measured: {failure}" for failure in failures]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--dist", type=Path, default=Distribution().path)
    parser.add_argument("--document", type=Path)
    options = parser.parse_args()
    known = {measurement.__name__: measurement for measurement in measurements.ALL}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no measurement is named {', '.join(unknown)}; there are {', '.join(known)}")

    programs = Programs.build(BENCHMARKS / ".build")
    rows, failures = [], []
    for name, measurement in known.items():
        if options.names and name not in options.names:
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            rows += measurement(Distribution(options.dist.resolve()), programs)
        except Unmeasured as reason:
            failures.append(f"{name}: {reason}")
    print(machine(), as_text(rows), *(f"NOT MEASURED {failure}" for failure in failures), sep="\n")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{datetime.datetime.now():%Y%m%d-%H%M%S}.md").write_text(as_markdown(rows, failures))
    if options.document:
        options.document.write_text(as_markdown(rows, failures))
    return 1 if failures or any(row.exact and not row.within for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
