"""https to a collector, with an authority of our own: verified or not sent."""

import os
import subprocess

import pytest

from harness import programs
from harness.agent import Agent, wait_until
from harness.certificates import Authority, server_context
from harness.receiver import Receiver


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Authorities and certificates, made once."""

    class World:
        folder = tmp_path_factory.mktemp("certificates")
        ours, other = Authority(folder, "ours"), Authority(folder, "other")
        server = ours.issue("server")
        elsewhere = ours.issue("elsewhere", "DNS:collector.example")
        # Also what a client shows: the purposes are not limited.
        client, foreign_server = ours.issue("client"), other.issue("foreign-server")
        foreign_client = foreign_server

    return World


@pytest.fixture
def receiver(world):
    receiver = Receiver(tls=server_context(world.server))
    yield receiver
    receiver.stop()
    assert not receiver.problems


def variables(world, pair=None, authority=None):
    certificate, key = pair or (None, None)
    return {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": (authority or world.ours).certificate,
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": certificate,
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": key,
    }


def dial(agent, acceptor, name="host-test", **more):
    """A program that records one span."""
    assert agent.run(programs.build("dialer"), acceptor, 1, OTEL_SERVICE_NAME=name, **more).returncode == 0


def wait_for_status(agent, *words):
    status = wait_until(lambda: all(word in (text := agent.relay_status().stdout) for word in words) and text)
    assert status, f"{words} are not in\n{agent.relay_status().stdout}\n{agent.log()}"
    return status


def test_verified_against_an_authority_of_ones_own(world, agent, receiver, acceptor):
    dial(agent, acceptor, **variables(world))
    assert len(receiver.wait(1)) == 1, f"{agent.relay_status().stdout}\n{agent.log()}"


def test_gzip(world, agent, receiver, acceptor):
    """The receiver refuses what it cannot decode; that it has the span shows that it could."""
    dial(agent, acceptor, OTEL_EXPORTER_OTLP_COMPRESSION="gzip", **variables(world))
    assert len(receiver.wait(1)) == 1, f"{agent.relay_status().stdout}\n{agent.log()}"
    assert receiver.requests[0]["Content-Encoding"] == "gzip"


def test_the_systems_authorities_by_default(world, agent, receiver, acceptor):
    """SSL_CERT_FILE takes their place for OpenSSL, and for the relay that a program with it starts."""
    dial(agent, acceptor, SSL_CERT_FILE=world.ours.certificate, SSL_CERT_DIR="/nonexistent")
    assert len(receiver.wait(1)) == 1, f"{agent.relay_status().stdout}\n{agent.log()}"


def test_one_authority_replaces_the_others(world, agent, receiver, acceptor):
    dial(agent, acceptor, SSL_CERT_FILE=world.ours.certificate, **variables(world, authority=world.other))
    wait_for_status(agent, "certificate", "hint:")
    assert not receiver.requests
    receiver.tls = server_context(world.foreign_server)
    assert len(receiver.wait(1)) == 1, f"{agent.relay_status().stdout}\n{agent.log()}"


def test_a_relative_path_is_the_programs(world, agent, receiver, acceptor):
    environment = agent.environment(OTEL_EXPORTER_OTLP_CERTIFICATE="ours.pem")
    # With a space behind it, which is no part of a value.
    environment["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"] = "ours.pem "
    done = agent.run("sh", "-c", 'cd "$0" && exec "$@"', world.folder, programs.build("dialer"), acceptor, 1, environment=environment)
    assert done.returncode == 0
    assert len(receiver.wait(1)) == 1, f"{agent.relay_status().stdout}\n{agent.log()}"


@pytest.mark.parametrize("case", ["wrong authority", "wrong host"])
def test_not_trusted_is_not_sent_and_kept(world, agent, receiver, acceptor, case):
    if case == "wrong host":
        receiver.tls = server_context(world.elsewhere)
        dial(agent, acceptor, **variables(world))
        words = "no alternative certificate subject name matches"
    else:
        receiver.tls = server_context(world.foreign_server)
        dial(agent, acceptor, **variables(world))
        words = "SSL certificate problem"
    status = wait_for_status(agent, words, receiver.url)
    assert "1 waiting" in status
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in status
    assert not receiver.requests
    # The collector is put right: nothing is lost.
    receiver.tls = server_context(world.server)
    assert len(receiver.wait(1)) == 1, agent.relay_status().stdout


def test_a_server_without_tls(world, agent, receiver, acceptor):
    receiver.tls = None
    dial(agent, acceptor, **variables(world))
    assert "speaks https" in wait_for_status(agent, receiver.url, "last error")
    receiver.tls = server_context(world.server)
    assert len(receiver.wait(1)) == 1, agent.relay_status().stdout


def test_a_client_certificate_is_demanded(world, agent, receiver, acceptor):
    receiver.tls = server_context(world.server, clients=world.ours)
    dial(agent, acceptor, "nobody", **variables(world))
    status = wait_for_status(agent, "certificate required", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
    assert not receiver.requests
    dial(agent, acceptor, "foreign", **variables(world, world.foreign_client))
    dial(agent, acceptor, "known", **variables(world, world.client))
    assert [span.service for span in receiver.wait(1)] == ["known"], status
    # Who has the certificate but not its key is not given the connection of one who has both.
    dial(agent, acceptor, "thief", **variables(world, (world.client[0], world.server[1])))
    wait_for_status(agent, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY cannot be used")
    assert {span.service for span in receiver.spans} == {"known"}
    # Keys are the programs'.
    everything = agent.relay_status().stdout + agent.log()
    for path in world.folder.glob("*.key"):
        assert path.read_text().splitlines()[1] not in everything
    # Once none is demanded, those that were kept arrive.
    receiver.tls = server_context(world.server)
    assert {span.service for span in receiver.wait(3)} == {"known", "nobody", "foreign"}


@pytest.mark.parametrize(
    "content, words", [(None, "no such file or directory"), ("", "is empty"), ("hello", "holds no certificate in PEM form")]
)
def test_a_file_that_cannot_be_used_is_named(world, agent, receiver, acceptor, tmp_path, content, words):
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    dial(agent, acceptor, OTEL_EXPORTER_OTLP_CERTIFICATE=path)
    status = wait_for_status(agent, words, str(path), "refused")
    assert "1 refused" in status, status
    assert words in agent.log()
    assert not receiver.requests


def test_the_relay_reads_nothing_that_the_program_may_not(world, agent, receiver, acceptor, tmp_path):
    """A relay with more rights than the program it serves: of root, for everybody who may open its socket."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a relay with more rights than a program")
    agent.world.chmod(0o755)
    socket = agent.world / "relay.sock"
    environment = agent.bare_environment()
    relay = subprocess.Popen([agent.layout.relay, "--listen", f"unix:{socket}"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        where = {"OTEL_NATIVE_RELAY": f"unix:{socket}"}
        assert wait_until(lambda: agent.relay_status(**where).returncode == 0)
        secret = agent.world / "secret.pem"
        secret.write_text(world.ours.certificate.read_text())
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for mode, sent in ((0o600, 0), (0o644, 1)):
            secret.chmod(mode)
            done = agent.run(*nobody, programs.build("dialer"), acceptor, 1, OTEL_EXPORTER_OTLP_CERTIFICATE=secret, **where)
            assert done.returncode == 0
            if sent:
                assert len(receiver.wait(1)) == 1
            else:
                assert wait_until(lambda: f"{secret}: permission denied" in agent.relay_status(**where).stdout)
                assert not receiver.requests
    finally:
        relay.terminate()
        relay.wait()


# MARK: otel-relay check


def check(agent, **more):
    done = agent.run(agent.layout.relay, "check", environment=agent.bare_environment(**more))
    assert len(done.stdout.splitlines()) == 1, done.stdout
    return done.returncode, done.stdout.strip(), done.stderr


def test_check_says_what_was_answered(world, agent, receiver):
    url = f"{receiver.url}/v1/traces"
    assert check(agent, **variables(world), OTEL_EXPORTER_OTLP_COMPRESSION="gzip") == (0, f"{url}: takes spans", "")
    assert (receiver.checks, receiver.spans) == (1, [])
    status, answer, hint = check(agent, SSL_CERT_FILE=world.other.certificate)
    assert (status, answer.split(": ")[:2]) == (1, [url, "SSL certificate problem"])
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in hint
    receiver.tls = server_context(world.server, clients=world.ours)
    assert check(agent, **variables(world))[0] == 1
    assert check(agent, **variables(world, world.client))[0] == 0
    assert check(agent, OTEL_EXPORTER_OTLP_CERTIFICATE="/nonexistent")[1].endswith("/nonexistent: no such file or directory")
    assert agent.relays() == []


def test_check_without_a_collector(agent, receiver):
    silent = Receiver(is_listening=False)
    try:
        status, answer, hint = check(agent, OTEL_EXPORTER_OTLP_ENDPOINT=silent.url)
        assert (status, answer) == (1, f"{silent.url}/v1/traces: connection refused")
        assert "Is the collector running?" in hint
        silent.listen()
        silent.mode = 401
        status, answer, hint = check(agent, OTEL_EXPORTER_OTLP_ENDPOINT=silent.url, OTEL_EXPORTER_OTLP_HEADERS="api-key=canary,broken")
        assert (status, answer) == (1, f"{silent.url}/v1/traces: the collector answered HTTP status 401")
        assert "OTEL_EXPORTER_OTLP_HEADERS" in hint and "entry 2" in hint and "canary" not in hint
        assert check(agent, OTEL_TRACES_EXPORTER="none")[:2] == (1, 'OTEL_TRACES_EXPORTER="none": no spans are sent to a collector')
    finally:
        silent.stop()
