"""The instructions of one hooked call, each with the functions of the agent that it belongs to.

Names come from the unstripped agent that the build left in its scratch path; a test holds its code equal to the shipped one.
"""

import re
import subprocess
from collections import Counter
from dataclasses import dataclass

from scene import ROOT, Unmeasured, output

UNSTRIPPED = ROOT / ".build-embedded" / "release" / "libotelagent.so"
# What makes a span, whoever asks for it: starting, attributes as OTLP bytes, the ring.
SPAN_MODULES = {"OTelSDK", "OTelRegion", "OTLPWire"}


@dataclass(frozen=True)
class Frame:
    """A function, inlined or not, and where in it."""

    function: str
    file: str
    line: str

    @property
    def module(self):
        match = re.search(r"/(?:Sources|CShims)/([^/]+)/", self.file)
        return match[1] if match else ""


@dataclass(frozen=True)
class Step:
    """One executed instruction."""

    library: str
    offset: str
    frames: tuple[Frame, ...]  # innermost first; empty outside of the agent


def steps_of(here, call):
    """The last of some calls of programs/calls.c, instruction by instruction."""
    lines = [line.rsplit(" ", 1) for line in output([here.programs.calls, "trace", call, 10], here.environment()).splitlines()]
    if not UNSTRIPPED.exists():
        raise Unmeasured(f"{UNSTRIPPED} does not exist: run `make` first.")
    frames = frames_at(sorted({offset for library, offset in lines if library.endswith("/libotelagent.so")}))
    return [Step(library, offset, frames[offset] if library.endswith("/libotelagent.so") else ()) for library, offset in lines]


def frames_at(offsets):
    command = ["addr2line", "--exe", UNSTRIPPED, "--functions", "--inlines", "--addresses", *offsets]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for offset, block in zip(offsets, ("\n" + text).split("\n0x")[1:]):
        lines = block.splitlines()[1:]
        places = (line.partition(" (")[0].rpartition(":") for line in lines[1::2])
        found[offset] = tuple(Frame(name, file, line) for name, (file, _, line) in zip(lines[::2], places))
    return found


def share_of_span(steps):
    """How many instructions made the span itself, how many read the clock, and how many were the hook's: what to trace and what to
    say about it.

    What else runs outside of the agent (memcpy, the real call) belongs to whoever called it. The clock is apart because it is the
    same for everybody.
    """
    shares, owner = Counter(span=0, clock=0, hook=0), "hook"
    for step in steps:
        modules = {frame.module for frame in step.frames} - {""}
        if modules & SPAN_MODULES:
            owner = "span"
        elif modules - {"OTelPrimitives", "COTelShims"}:
            owner = "hook"
        shares["clock" if "slow-clock" in step.library else owner] += 1
    return shares
