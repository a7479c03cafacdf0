#!/usr/bin/env python3
"""Where the instructions of one hooked call go, by function and by source line.

    profile.py CALL [NAME=VALUE]...

CALL as in programs/calls.c; NAME=VALUE is put into the program's environment.
"""

import subprocess
import sys
from collections import Counter

from scene import BENCHMARKS, Distribution, Programs, scene
from instruction_trace import share_of_span, steps_of


def show(title, counts, most=40):
    lines = "\n".join(f"{count:7}  {name}" for name, count in counts.most_common(most))
    readable = subprocess.run(["swift", "demangle", "--simplified"], check=True, input=lines, stdout=subprocess.PIPE, text=True).stdout
    print(f"\n{title}")
    for line in readable.splitlines():
        print(line[:150])


def main():
    call, *variables = sys.argv[1:]
    with scene(Distribution(), Programs.build(BENCHMARKS / ".build"), **dict(word.split("=", 1) for word in variables)) as here:
        steps = steps_of(here, call)
    inside = [step for step in steps if step.frames]
    show("libraries", Counter(step.library for step in steps))
    show("of these, the call of the function and everything under it", share_of_span(steps))
    show("functions of the agent, with what is inlined into them", Counter(step.frames[-1].function for step in inside))
    places = Counter(f"{step.frames[0].file.rpartition('/')[2]}:{step.frames[0].line} {step.frames[0].function}" for step in inside)
    show("lines of the agent", places, most=60)


if __name__ == "__main__":
    main()
