"""python -m suites.soaking SECONDS: the soak, with relays that end in good order and then with relays that are killed.

Writes its result into docs/performance.md, behind the heading Soak.
"""

import signal
import sys
import time

from harness.agent import REPOSITORY
from harness.soak import growth, soak

# Resident memory after the first half of a run, KiB.
MOST_GROWTH = 4096
# Of programs that end before they notice that the relay was killed, spans may be lost: of the children that live for one call.
SHORT_LIVED = {0, 1, 2, 3}
# The host notices a relay that was killed by its heartbeat, after five seconds.
NOTICED = 8.0


def in_good_order(seconds):
    """The result, and what is wrong with it."""
    result = soak(seconds, signal.SIGTERM, every=min(10.0, seconds / 4))
    faults = result.faults
    for name, samples in (("the program", result.host), ("the relay", result.relay)):
        # Fewer samples say nothing.
        if seconds >= 60 and growth(samples) > MOST_GROWTH:
            faults.append(f"{name} grew by {growth(samples):.0f} KiB from the second quarter of the run to the last")
    return result, faults


def killed(seconds):
    """The same with relays that are killed, by which spans may be lost or doubled: none is recorded twice, and no program is harmed. Of a
    program that goes on, none is lost."""
    result = soak(seconds, signal.SIGKILL, every=NOTICED, quiet=NOTICED)
    lost = [(row, number) for row, number in result.numbers.missing(result.expected) if row not in SHORT_LIVED]
    faults = [f"{len(lost)} spans of a program that went on did not arrive: {lost[:12]}"] if lost else []
    if result.numbers.recorded_twice:
        faults.append(f"spans were recorded twice: {result.numbers.recorded_twice[:12]}")
    if result.status:
        faults.append(f"the program ended with {result.status}:\n{result.said[-3000:]}")
    return result, faults + result.problems


def sentence(seconds, result, killing):
    resident = [max(value for _, value in samples) // 1024 for samples in (result.host, result.relay)]
    again = len(killing.numbers.repeated)
    short = len(killing.numbers.missing(killing.expected))
    return (
        f"{time.strftime('%Y-%m-%d')}, {seconds} s: {sum(result.expected.values()):,} numbered calls, each arrived once; "
        f"{result.relays_ended} relays ended by SIGTERM meanwhile. Resident at most {resident[0]} MiB the program, {resident[1]} MiB the relay; "
        f"growth over the run's second half {growth(result.host):.0f} and {growth(result.relay):.0f} KiB. Then {killing.relays_ended} relays were ended by SIGKILL "
        f"in {sum(killing.expected.values()):,} calls: {again} arrived twice, {short} of children that lived for one call were lost, by design."
    )


def write(text):
    path = REPOSITORY / "docs/performance.md"
    before, found, _ = path.read_text().partition("\n## Soak\n")
    introduction = (
        "Made by `make soak`: sixteen threads fork, fork and exec, load and unload three libcurls and plug-ins, transfer with easy and multi handles, "
        "and connect, with a signal each millisecond whose handler connects too."
    )
    path.write_text(before.rstrip("\n") + f"\n\n## Soak\n\n{introduction}\n\n{text}\n")


def main(seconds):
    result, faults = in_good_order(seconds)
    print(f"{sum(result.expected.values())} numbered calls in {seconds} s, {result.relays_ended} relays ended; {result.status_text}", flush=True)
    killing, more = killed(max(seconds // 6, 30))
    said = sentence(seconds, result, killing)
    print(said)
    if faults + more:
        sys.exit("soak: FAILED\n" + "\n".join(faults + more))
    write(said)
    print("soak: passed; docs/performance.md has the line")


if __name__ == "__main__":
    main(int(sys.argv[1]))
