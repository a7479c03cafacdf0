"""A terminal with a small shell in it that knows job control: what a person at a keyboard has."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time

# Runs its arguments as a foreground job; says when the job was stopped, and continues it when it is given a line.
SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
print("job", job, flush=True)
while True:
    status = os.waitpid(job, os.WUNTRACED)[1]
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status): break
    print("stopped by", os.WSTOPSIG(status), flush=True)
    input()
    os.tcsetpgrp(0, job)
    os.killpg(job, signal.SIGCONT)
print("ended:", os.waitstatus_to_exitcode(status), flush=True)
"""


class Terminal:
    """Runs `command` in the shell above, its standard streams on the terminal."""

    def __init__(self, *command, environment, columns=100):
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.text = ""
        self._shell = subprocess.Popen(
            [sys.executable, "-c", SHELL, *map(str, command)], env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def type(self, text):
        os.write(self._master, text.encode())

    def wait_for(self, text, timeout=60):
        """Reads until `text` has been written, and returns all so far."""
        deadline = time.monotonic() + timeout
        while text not in self.text:
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not come; what came: {self.text!r}"
            try:
                self.text += os.read(self._master, 65536).decode(errors="replace")
            except OSError:  # EIO: nobody has the other end any more.
                raise AssertionError(f"the terminal was left before {text!r} came; what came: {self.text!r}") from None
        return self.text

    @property
    def job(self):
        """The pid of the command."""
        self.wait_for("job ")
        self.wait_for("\n")
        return int(self.text.split("job ")[1].split()[0])

    def close(self):
        """Hangs up: what is left in the foreground gets SIGHUP."""
        os.close(self._master)
        self._shell.kill()
        self._shell.wait()
