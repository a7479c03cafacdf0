"""`make demo`: one curl request from the command line to a span that a person reads."""

import shlex
import sys

from harness.agent import Agent
from harness.receiver import Receiver
from harness.tree import tree
from harness.webserver import WebServer


def main():
    receiver, web = Receiver(), WebServer()
    agent = Agent(receiver.url)
    try:
        command = ["curl", "-sS", f"{web.url}/hello?color=blue&token=secret"]
        print(f"$ export OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url}   # where an OTLP receiver listens")
        print(f"$ otel-instrument --service-name demo {shlex.join(command)}")
        done = agent.launch(*command, options=["--service-name", "demo"])
        print(done.stdout, done.stderr, sep="", end="")
        if done.returncode != 0:
            sys.exit(f"demo: curl ended with {done.returncode}")

        spans = receiver.wait(1, timeout=10)
        if not spans or receiver.problems:
            print(agent.relay_status().stdout, agent.log(), *receiver.problems, sep="\n", file=sys.stderr)
            sys.exit("demo: no span arrived within 10 seconds; the relay's own account is above")
        print("\nThe receiver got:\n")
        print(tree(spans))
        print(f"\nThe server saw:\n\n  traceparent: {web.requests[0].traceparent}")
        print("\ncurl is Debian's, unchanged. The span was recorded inside curl and exported by otel-relay, which ends by itself.")
    finally:
        agent.close()
        web.stop()
        receiver.stop()


if __name__ == "__main__":
    main()
