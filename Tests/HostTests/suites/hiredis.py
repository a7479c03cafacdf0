"""hiredis' own tests: connections that wait and that do not, by address and by path, against Debian's redis."""

import re
import subprocess
import time

from harness.webserver import closed_port

from .suite import Suite, make, run_to_end, source, source_version


class Hiredis(Suite):
    name = "hiredis"
    origin = "The source of Debian's hiredis, `hiredis-test`, with the server of redis-tools"

    def prepare(self):
        self.folder = source("hiredis")
        if not (self.folder / "hiredis-test").exists():
            make("make", "hiredis-test", folder=self.folder)

    def version(self):
        return source_version("hiredis")

    def parts(self):
        return {"hiredis-test": False}

    def run(self, part, tests, environment, folder):
        port, path = closed_port(), folder / "redis"
        # The server and the checker are one program, by name.
        server = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
        with open(folder / "server", "wb") as log, subprocess.Popen(
            server, executable="/usr/bin/redis-check-rdb", env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process:
            while not path.exists() and process.poll() is None:
                time.sleep(0.05)
            status, said = run_to_end([self.folder / "hiredis-test", "-h", "127.0.0.1", "-p", port, "-s", path], environment, folder, 300)
            process.terminate()
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        verdicts = {f"{number} {name}": word.lower()[:4] for number, name, word in re.findall(r"^#(\d+) (.*?): *(?:\n.*)?(PASSED|FAILED)", said, re.M)}
        return verdicts | {"hiredis-test as a whole": f"exit {status}"}
