"""`make demo`: real programs under `otel-instrument --view`, each trace a picture. The servers are on loopback; no collector is needed."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.agent import DIST
from harness.gitserver import GitServer
from harness.webserver import WebServer

SCRIPT = """\
export TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
curl -sS -o /dev/null {web}/login
curl -sS -o /dev/null -d amount=3 {web}/orders/17?token=secret
git ls-remote -q {git} HEAD
"""


def show(what, command, directory):
    print(f"\n{what}\n\n$ {shlex.join(['otel-instrument', '--view', *command])}", flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([DIST.launcher, "--view", *command], cwd=directory, env=environment | {"GIT_CONFIG_GLOBAL": "/dev/null"})
    if done.returncode != 0:
        sys.exit(f"demo: {command[0]} ended with {done.returncode}")


def main():
    web, git = WebServer(), GitServer()
    try:
        with tempfile.TemporaryDirectory(prefix="otelagent-demo-") as directory:
            show("One request of an unmodified curl. What looks like a secret never leaves the program.",
                 ["curl", "-sS", "-w", "\n", f"{web.url}/hello?color=blue&token=secret"], directory)
            show("git clone: the requests are made by git-remote-http, a program that git starts.",
                 ["git", "clone", "-q", git.urls["http"], "clone"], directory)
            (Path(directory) / "shop.sh").write_text(SCRIPT.format(web=web.url, git=git.urls["http"]))
            print("\nA script that sets TRACEPARENT: what it starts is one trace.\n\n$ cat shop.sh\n", (Path(directory) / "shop.sh").read_text(), sep="", end="")
            show("", ["sh", "shop.sh"], directory)
        print(f"\nThe server saw what connects the traces: traceparent: {web.requests[-1].traceparent}")
        print("curl and git are Debian's, unchanged. With OTEL_EXPORTER_OTLP_ENDPOINT set, and without --view, the same spans go to your collector.")
    finally:
        git.stop()
        web.stop()


if __name__ == "__main__":
    main()
