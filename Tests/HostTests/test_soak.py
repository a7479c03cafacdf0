"""What an agent may stumble over, all at once, for as long as a test may take: `make soak` runs it for ten minutes."""

import signal

from harness.soak import MAY_PASS, soak


def test_nothing_is_lost_or_doubled(measured):
    result = soak(20, signal.SIGTERM, every=4.0)
    assert not result.faults, "\n".join([*result.faults, result.status_text])
    assert result.relays_ended >= 3
    # All its rows did something: none of them is waiting for another.
    assert len(result.expected) == 18 - len(MAY_PASS) and all(result.expected.values())
    measured(f"soak: {sum(result.expected.values())} numbered calls, {result.relays_ended} relays ended, each arrived once")
