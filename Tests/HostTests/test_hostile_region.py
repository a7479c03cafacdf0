"""Whoever else has a region may write into it while its program runs: the program goes on, and the relay drops what makes no sense.

What is written comes from a process of the same user. Offsets are those of docs/region.md.
"""

import itertools
import random
import struct
import threading
import time

import pytest

from harness.agent import is_alive, wait_until
from harness.obedient import Obedient, Region

MIB = 1 << 20
TAIL, LIMIT, SUPERSEDED, DROPS, STATE, READ, EXPORTED, HEARTBEAT = 64, 72, 128, 192, 320, 336, 352, 368
SMALL_SLOTS, RING = MIB, 2 * MIB
# Around 0, the ends of a lap and of the numbers; not aligned; beyond every bound.
VALUES = [0, 1, 7, 8, MIB - 8, MIB - 4, MIB - 1, 2 * MIB - 3, 2**32 - 1, 2**32, 2**63, 2**64 - MIB, 2**64 - 9, 2**64 - 1]


@pytest.fixture
def host(agent, web, acceptor, receiver):
    """Has its region, and a relay that serves it."""
    agent.start_relay()
    host = Obedient(agent, acceptor, web, OTEL_SERVICE_NAME="victim")
    host.do("d")
    host.do("g")
    assert receiver.wait(2)
    yield host
    if host.process.poll() is None:
        host.process.kill()
        host.process.wait()


def serves_others(agent, receiver, acceptor):
    """The relay is the same, and what another program sends arrives."""
    before = agent.relay()
    agent.run("python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {acceptor}))", OTEL_SERVICE_NAME="other")
    assert receiver.wait(1, where=lambda span: span.service == "other")
    assert agent.relay() == before and is_alive(before)


def test_words(agent, receiver, acceptor, host):
    """Each word that the host reads, with each value: alone, and the tail together with a limit that lets it through."""
    region = Region(host.pid)
    for offset, value in itertools.product([TAIL, LIMIT, SUPERSEDED, DROPS], VALUES):
        region.look()
        region.write_word(offset, value)
        host.do("d")
    for value in VALUES:
        region.look()
        region.write_word(LIMIT, value - 64)
        region.write_word(TAIL, value)
        behind = region.behind()
        for _ in range(3):
            host.do("d")
        assert region.behind() == behind, f"the host wrote behind its region, with a tail of {value:#x}"
    for offset, value in itertools.product([STATE, READ, EXPORTED, HEARTBEAT], VALUES):
        region.look()
        region.write_pair(offset, value)
        region.write_word(offset + 8, value)
        host.do("d")
        region.write_pair(offset, value)
        host.do("d")
    host.do("g")
    host.end()
    serves_others(agent, receiver, acceptor)


def test_slots_in_flight(agent, receiver, web, acceptor, host):
    """The slot of a span that is open says that it holds more than it can: it is given up, and the span is encoded anew."""
    region = Region(host.pid)
    for value in (0, 1, 936, 937, 960, 961, 4096, 2**31, 2**32 - 1, 2**64 - 1):
        asked = len(web.requests)
        host.do("h")
        assert wait_until(lambda asked=asked: len(web.requests) > asked)
        region.look()
        taken = [slot for slot, mark in enumerate(region.words(SMALL_SLOTS, 1024, 1024)) if mark]
        assert taken
        for slot in taken:
            region.write_word(SMALL_SLOTS + 1024 * slot + 8, value)
        host.do("w")
    host.do("g")
    host.end()
    serves_others(agent, receiver, acceptor)


def test_a_storm(agent, receiver, acceptor, host):
    """Random bytes everywhere, as fast as they can be written, while the host records as fast as it can."""
    region, rng, rounds = Region(host.pid), random.Random(6), 0
    is_over = threading.Event()

    def attack():
        nonlocal rounds
        while not is_over.is_set():
            words = [rng.choice([rng.getrandbits(64), rng.choice(VALUES)]) for _ in range(8)]
            region.write(rng.choice([TAIL, LIMIT, DROPS, STATE, READ, EXPORTED]), struct.pack("=2Q", *words[:2]))
            region.write_pair(rng.choice([STATE, READ, EXPORTED, HEARTBEAT]), words[2])
            region.write(SMALL_SLOTS + 1024 * rng.randrange(1024) + 8 * rng.randrange(4), struct.pack("=2Q", *words[3:5]))
            region.write(RING + 8 * rng.randrange(MIB // 8 - 2), struct.pack("=2Q", *words[5:7]))
            rounds += 1
            if rounds % 64 == 0:
                region.look()

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        end = time.monotonic() + 2
        while time.monotonic() < end or rounds < 500:
            host.do("D")
            host.do("g")
    finally:
        is_over.set()
        attacker.join()
    host.end()
    serves_others(agent, receiver, acceptor)
