"""Every step of the agent that can fail, failing: nobody can tell.

A build of its own (`scripts/build-faults`) makes a named step fail, once in each process or always. Which steps there are is read from
that build's object, and which of them a program comes to, from its own report; so a new system call is tested without a line here.
"""

import errno
import itertools
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

from harness import programs
from harness.agent import DIST
from harness.ways import WAYS, OwnWorld, forgive_short_identities

# Of a call that fails otherwise than with EPERM, when that is a case of its own.
ERRORS = {"SYS_memfd_create": [errno.EINVAL, errno.EMFILE], "SYS_flock": [errno.EAGAIN], "SYS_connect": [errno.ECONNREFUSED]}
AT_ONCE = 4


def test_nothing_of_it_ships():
    shipped = DIST.library.read_bytes()
    assert b"fault: " not in shipped and b"OTEL_FAULT" not in shipped


class Sweep:
    """All steps in all ways, a few at a time."""

    def __init__(self, agent, web, acceptor):
        self.numbers = itertools.count()
        self.make = lambda way: way(agent, web, acceptor, next(self.numbers))
        self.bare = {}
        # By the step: the way in which it is come to, what has to fail before, and with which error.
        self.cases = {}
        self.problems = []

    def remember(self, way, reached, before, error):
        for site in reached:
            self.cases.setdefault(site, (way, before, error))

    def in_order(self, way):
        """Without a fault: what is come to, and what it looks like without the agent."""
        run = self.make(way)
        self.bare[way] = run.run(under_agent=False)
        traced = run.run(under_agent=True)
        if traced != self.bare[way]:
            self.problems.append(f"{way.__name__} without a fault: {traced}\ninstead of {self.bare[way]}")
        self.remember(way, run.reached(), [], errno.EPERM)
        if isinstance(run, OwnWorld):
            run.close()

    def errors(self, site):
        _, before, error = self.cases[site]
        # The error by which it was come to.
        return [error] if before else ERRORS.get(site.rpartition(" ")[2], [error])

    def fail(self, site, error, suffix):
        way, before, _ = self.cases[site]
        run = self.make(way)
        name = ";".join([*before, site + suffix])
        try:
            traced = run.run(under_agent=True, site=name, error=error)
        except subprocess.TimeoutExpired:
            traced = "a hang"
        if traced != self.bare[way]:
            self.problems.append(f"{way.__name__}, {name}, errno {error}: {traced}\ninstead of {self.bare[way]}")
        if site not in run.failed():
            self.problems.append(f"{way.__name__}: {name} was not come to")
        reached = run.reached()
        if isinstance(run, OwnWorld):
            run.close()
        return way, reached, [*before, site], error


def test_every_step_that_can_fail(sites, agent, web, acceptor, receiver, measured):
    programs.build("faulted", libraries=["-lcurl"])
    agent.start_relay()
    sweep = Sweep(agent, web, acceptor)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for way in WAYS:
            sweep.in_order(way)
        done, runs = set(), 0
        # Some steps are come to only when another has failed.
        while todo := sorted(set(sweep.cases) - done):
            cases = [(site, error, suffix) for site in todo for error in sweep.errors(site) for suffix in ("", ":once")]
            for at in range(0, len(cases), 32):
                for way, reached, before, error in pool.map(lambda case: sweep.fail(*case), cases[at : at + 32]):
                    sweep.remember(way, reached, before, error)
                # They are many: none of them may hang, all together may take their time on a busy machine.
                signal.alarm(180)
            done |= set(todo)
            runs += len(cases)
    measured(f"{len(done)} steps that can fail, each once and always: {runs} programs, all as without the agent")
    forgive_short_identities(agent, receiver)
    assert not sweep.problems, f"{len(sweep.problems)}: " + "\n\n".join(sweep.problems[:10])
    missed = sorted(set(sites) - done)
    assert not missed, f"{missed}: no program comes to these: the test lacks a way, or the code is dead"
    assert done <= set(sites)
