"""A host that does one thing after the other, as it is told."""

import os
import struct
import subprocess

from . import programs


class Obedient:
    """programs/obedient.c, running; `do` tells it something, and asserts that it went well."""

    def __init__(self, agent, port, web, command=(), **variables):
        program = programs.build("obedient", libraries=["-lcurl"])
        self.process = agent.start(
            *command, program, port, web.url, environment=agent.environment(**variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self):
        return self.process.pid

    def do(self, letter):
        self.process.stdin.write(letter + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == f"{letter} 0\n", f"{answer!r} to {letter}, status {self.process.poll()}"

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 5


class Region:
    """The regions of a running host, as another process of its user sees them: through /proc/PID/mem."""

    def __init__(self, pid):
        self.pid = pid
        self.memory = open(f"/proc/{pid}/mem", "r+b", buffering=0)  # noqa: SIM115 - open as long as the test looks
        self.addresses = []
        self.look()

    def look(self):
        """There are two while one is being replaced."""
        with open(f"/proc/{self.pid}/maps") as maps:
            self.addresses = [int(line.partition("-")[0], 16) for line in maps if "/memfd:otelagent " in line]

    def write(self, offset, data):
        for address in self.addresses:
            try:
                os.pwrite(self.memory.fileno(), data, address + offset)
            except OSError:  # It has been given back.
                self.look()

    def write_word(self, offset, value):
        self.write(offset, struct.pack("=Q", value & (2**64 - 1)))

    def write_pair(self, offset, value):
        self.write(offset, struct.pack("=QQ", value & (2**64 - 1), ~value & (2**64 - 1)))

    def behind(self):
        """What lies behind the newest region: eight bytes of somebody else, or None."""
        try:
            return os.pread(self.memory.fileno(), 8, self.addresses[-1] + (3 << 20))
        except OSError:
            return None

    def words(self, offset, step, count):
        """Words at `offset`, `step` bytes apart, of the newest region."""
        data = os.pread(self.memory.fileno(), step * count, self.addresses[-1] + offset)
        return [struct.unpack_from("=Q", data, step * index)[0] for index in range(count)]
