"""What a difference is, in suites whose tests may fail, or flip, without us as well."""

from dataclasses import dataclass, field

RERUNS = 3


@dataclass
class Comparison:
    """Verdicts by test id. `different` and `unstable` hold all verdicts that an id got: those bare, and those with the agent."""

    bare: dict
    traced: dict
    different: dict = field(default_factory=dict)
    unstable: dict = field(default_factory=dict)


def compare(run_bare, run_traced):
    """Each function takes test ids, or None for all, and returns verdicts by id. Ids whose verdicts differ are run again, up to three
    times on both sides, until one verdict was seen on both: then the test flips by itself, and is unstable. If none was, or if it is
    the agent's side alone that flips and all run together differ once more, it is a difference."""
    bare, traced = run_bare(None), run_traced(None)
    result = Comparison(bare, traced)
    seen = {}
    note(seen, bare, traced, [test for test in sorted(bare.keys() | traced.keys()) if bare.get(test) != traced.get(test)])
    for _ in range(RERUNS):
        apart = [test for test, (without, within) in seen.items() if not set(without) & set(within)]
        if not apart:
            break
        note(seen, run_bare(apart), run_traced(apart), apart)
    ours = [test for test, (without, within) in seen.items() if len(set(without)) == 1 and set(without) & set(within)]
    if ours:
        # Alone it is as it was without us; perhaps it takes the tests before it.
        again = run_bare(None), run_traced(None)
        note(seen, *again, ours)
        ours = [test for test in ours if again[0].get(test) != again[1].get(test)]
    for test, verdicts in seen.items():
        is_different = test in ours or not set(verdicts[0]) & set(verdicts[1])
        (result.different if is_different else result.unstable)[test] = verdicts
    return result


def note(seen, bare, traced, tests):
    for test in tests:
        without, within = seen.setdefault(test, ([], []))
        without.append(bare.get(test, "absent"))
        within.append(traced.get(test, "absent"))
