"""When all has arrived."""


def flush(agent, receiver, web):
    """All spans so far: one that comes after them has arrived, and is left out."""
    assert agent.run("curl", "-sS", f"{web.url}/last", OTEL_SERVICE_NAME="last").returncode == 0
    assert receiver.wait(1, where=lambda span: span.service == "last")
    return [span for span in receiver.spans if span.service != "last"]
