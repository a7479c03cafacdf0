"""Suites that nobody here wrote, without and with the agent: of each what is quick and steady. `make test-hosts` runs them whole."""

import itertools

import pytest

from suites.cpython import CPython
from suites.curl import Curl
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
    "test_select": True,
    "test_socket *BasicTCPTest* *NetworkConnectionNoServer* *SendmsgStreamTest* *InheritanceTest* *BufferIOTest*": False,
    "test_subprocess *POSIXProcessTestCase.test_exception* *POSIXProcessTestCase.test_close_fds* *POSIXProcessTestCase.test_preexec*": True,
}
STRESSORS = "sock sockpair epoll fork vfork"
# Of the curl that is installed: methods, uploads, redirects, authentication, several transfers on one connection, and failures.
CURL_TESTS = "1 2 3 4 5 6 8 10 11 14 17 18 31 32 36 37 40 44 46 48 58 61 64 70"


def judge(outcome):
    assert not outcome.faults, "\n".join(outcome.faults)


@pytest.mark.parametrize("part", MODULES, ids=lambda part: part.split()[0])
def test_cpython(part):
    judge(run_twice(CPython(), part, MODULES[part]))


def test_stress_ng():
    outcome = run_twice(StressNG(), STRESSORS, True)
    judge(outcome)
    assert outcome.traced == [len(STRESSORS.split()), 0, 0]


@pytest.fixture(scope="session")
def curl():
    """Its servers are built of Debian's source, once."""
    suite = Curl()
    try:
        suite.prepare(with_library=False)
    except RuntimeError as error:
        if "source-package" in str(error):
            pytest.skip(f"the source of Debian's curl cannot be had here: {error}")
        raise
    return suite


def test_curl(curl):
    outcome = run_twice(curl, CURL_TESTS, False)
    judge(outcome)
    assert sum(outcome.traced) == len(CURL_TESTS.split()) and outcome.spans >= 20


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
