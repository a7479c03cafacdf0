"""One part of a suite, without and with the agent, in a world of its own, with the proof that the agent was there."""

import collections
import os
import shutil
import time
from dataclasses import asdict, dataclass, field

from harness import programs
from harness.agent import Agent
from harness.receiver import Receiver

from .suite import owner
from .verdicts import compare

WORDS = ("pass", "fail", "skip")


@dataclass
class Outcome:
    """What a part came to. Counts are [pass, fail, skip]; ids of `different` and `unstable` have the verdicts bare and with the agent."""

    part: str
    bare: list
    traced: list
    different: dict
    unstable: dict
    # Spans that arrived of the first run with the agent and those that repeated it, and of how many processes.
    spans: int
    processes: int
    problems: list = field(default_factory=list)
    seconds: float = 0

    def as_dict(self):
        return asdict(self)

    @property
    def faults(self):
        """What must not be, as sentences."""
        said = [f"{self.part}: {test}: bare {', '.join(map(str, bare))}; with the agent {', '.join(map(str, traced))}" for test, (bare, traced) in self.different.items()]
        if not self.spans:
            said.append(f"{self.part}: no span arrived, so nothing shows that the agent was there")
        if not self.bare[0]:
            said.append(f"{self.part}: no test passed, with or without the agent")
        return said + [f"{self.part}: the receiver refused: {problem}" for problem in self.problems]


def counts(verdicts):
    """[pass, fail, skip]; what a suite calls otherwise is put where it belongs."""
    kinds = collections.Counter(
        "pass" if verdict in ("pass", "exit 0", "todo pass") else "skip" if verdict == "skip" else "fail" for verdict in verdicts.values()
    )
    return [kinds[word] for word in WORDS]


def run_twice(suite, part, touches, layout=None):
    """Runs `part` bare and with the agent, and again what differs; returns its Outcome."""
    begin = time.monotonic()
    receiver = Receiver()
    agent = Agent(receiver.url, **({"layout": layout} if layout else {}))
    for path in (agent.world, agent.runtime_directory):
        if ids := owner(suite.user):
            os.chown(path, ids["user"], ids["group"])
    touch = str(programs.library("touch.so")) if touches else None
    runs = 0

    def run(preload, tests):
        nonlocal runs
        runs += 1
        folder = agent.world / f"run{runs}"
        folder.mkdir()
        if ids := owner(suite.user):
            os.chown(folder, ids["user"], ids["group"])
        variables = {"TOUCH_PORT": port} if touches else {}
        environment = agent.bare_environment(LD_PRELOAD=preload, **variables, **suite.variables)
        try:
            return suite.run(part, tests, environment, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    library = str(agent.layout.library)
    try:
        # A port that accepts and closes; for touch.so.
        with programs.serving("acceptor") as port:
            # touch.so first: constructors run from the last entry to the first, and the agent's has to come before.
            found = compare(lambda tests: run(touch, tests), lambda tests: run(f"{touch}:{library}" if touch else library, tests))
        receiver.wait(1)
        # The relay has read of a process that ended within some 200 ms; until no more come.
        before = -1
        while before != len(receiver.spans):
            before = len(receiver.spans)
            time.sleep(0.3)
        processes = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in receiver.spans}
        return Outcome(
            part=part,
            bare=counts(found.bare),
            traced=counts(found.traced),
            different=found.different,
            unstable=found.unstable,
            spans=len(receiver.spans),
            processes=len(processes),
            problems=sorted(set(receiver.problems))[:10],
            seconds=round(time.monotonic() - begin),
        )
    finally:
        agent.close()
        receiver.stop()
