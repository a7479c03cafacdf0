"""Suites that nobody here wrote, without and with the agent: of each what is quick and steady. `make test-hosts` runs them whole."""

import itertools

import pytest

from suites.cpython import CPython
from suites.stress_ng import StressNG
from suites.twice import run_twice
from suites.verdicts import compare

# Tests by pattern where a module as a whole takes long.
MODULES = {
    "test_httplib": False,
    "test_urllib2_localnet": False,
    "test_httpservers": True,
    "test_os": True,
    "test_posix": True,
    "test_socket *BasicTCPTest* *NetworkConnectionNoServer* *SendmsgStreamTest* *InheritanceTest* *BufferIOTest*": False,
    "test_subprocess *POSIXProcessTestCase.test_exception* *POSIXProcessTestCase.test_close_fds* *POSIXProcessTestCase.test_preexec*": True,
}
STRESSORS = "sock sockpair epoll fork vfork"


def judge(outcome):
    assert not outcome.faults, "\n".join(outcome.faults)


@pytest.mark.parametrize("part", MODULES, ids=lambda part: part.split()[0])
def test_cpython(part):
    judge(run_twice(CPython(), part, MODULES[part]))


def test_stress_ng():
    outcome = run_twice(StressNG(), STRESSORS, True)
    judge(outcome)
    assert outcome.traced == [len(STRESSORS.split()), 0, 0]


def verdicts_of(*runs):
    """Each call gives the next run's verdicts, the last for ever, of the tests that are asked for."""
    following = itertools.chain(runs, itertools.repeat(runs[-1]))

    def run(tests):
        verdicts = next(following)
        return {test: verdict for test, verdict in verdicts.items() if tests is None or test in tests}

    return run


PASSES, FAILS = {"a": "pass", "b": "pass"}, {"a": "pass", "b": "fail"}


def test_what_is_the_same_is_no_difference():
    found = compare(verdicts_of(FAILS), verdicts_of(FAILS))
    assert (found.different, found.unstable) == ({}, {})


def test_a_verdict_of_ours_alone_is_a_difference():
    assert list(compare(verdicts_of(PASSES), verdicts_of(FAILS)).different) == ["b"]
    assert list(compare(verdicts_of(FAILS), verdicts_of(PASSES)).different) == ["b"]
    assert list(compare(verdicts_of(PASSES), verdicts_of({"a": "pass"})).different) == ["b"]


def test_what_flips_without_us_is_unstable():
    found = compare(verdicts_of(FAILS, PASSES), verdicts_of(PASSES))
    assert (found.different, list(found.unstable)) == ({}, ["b"])


def test_what_differs_only_among_the_others_is_a_difference():
    """Alone it passes with the agent; together with all it fails, each time."""
    assert list(compare(verdicts_of(PASSES), verdicts_of(FAILS, PASSES, FAILS)).different) == ["b"]


def test_what_differed_once_is_unstable():
    found = compare(verdicts_of(PASSES), verdicts_of(FAILS, PASSES, PASSES))
    assert (found.different, list(found.unstable)) == ({}, ["b"])
