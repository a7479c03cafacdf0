"""Twin runs: the same command without and with the agent has to look the same from outside."""

import re
from dataclasses import dataclass

from . import programs


@dataclass(frozen=True)
class Outcome:
    status: int  # negative: the signal
    stdout: str
    stderr: str


def normalised(text, agent):
    """What differs between any two runs of one program, with or without an agent, made equal."""
    library = re.escape(str(agent.layout.library))
    text = re.sub(rf"{library}:?", "", text)  # the preload entry itself, where a program prints its environment
    text = re.sub(r"^(declare -x )?LD_PRELOAD=\"?\"?\n", "", text, flags=re.M)
    text = re.sub(r"(socket|pipe):\[\d+\]", r"\1:[N]", text)
    text = re.sub(r"/proc/\d+", "/proc/N", text)
    text = re.sub(r"\b\d{2}:\d{2}(:\d{2})?\b", "TIME", text)
    return text


def outcome(done, agent):
    return Outcome(done.returncode, normalised(done.stdout, agent), normalised(done.stderr, agent))


def twin(agent, *command, **variables):
    """Runs `command` bare and under the agent, asserts that nobody can tell which was which, and returns the outcome.

    Both runs also load `touch.so`, which connects once to the port TOUCH_PORT before main: in the run under the agent every
    process of the command therefore records one span, which is the proof that the agent was active in it and had its region.
    """
    touch = programs.library("touch.so")
    bare = outcome(agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=touch, **variables)), agent)
    # touch.so first: constructors run from the last entry to the first, and the agent's has to come before.
    preload = f"{touch}:{agent.layout.library}"
    traced = outcome(agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=preload, **variables)), agent)
    bare = Outcome(bare.status, bare.stdout.replace(str(touch), "TOUCH"), bare.stderr.replace(str(touch), "TOUCH"))
    traced = Outcome(
        traced.status,
        traced.stdout.replace(f"{touch}:", "TOUCH").replace(str(touch), "TOUCH"),
        traced.stderr.replace(f"{touch}:", "TOUCH").replace(str(touch), "TOUCH"),
    )
    assert traced == bare
    return traced
