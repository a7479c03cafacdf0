"""Off means off, in all the ways there are to say so."""

import os
import shutil

import pytest

from harness import programs
from harness.agent import Layout


def dial(agent, acceptor, program=None, **variables):
    done = agent.run(program or programs.build("dialer"), acceptor, 3, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def assert_nothing(agent, receiver):
    assert receiver.wait(1, timeout=0.5) == []
    assert agent.relays() == []


def test_native_disabled(agent, receiver, web, acceptor):
    dial(agent, acceptor, OTEL_NATIVE_DISABLED="true")
    agent.run("curl", "-sS", web.url, OTEL_NATIVE_DISABLED="TRUE", TRACEPARENT="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert web.requests[0].traceparent is None
    assert_nothing(agent, receiver)


def test_native_disabled_through_the_launcher(agent, receiver, acceptor):
    done = agent.launch("sh", "-c", 'echo "preload: $LD_PRELOAD"', OTEL_NATIVE_DISABLED="true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "preload: \n", "")
    assert_nothing(agent, receiver)


def test_sdk_disabled_still_propagates(agent, receiver, web, acceptor):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    dial(agent, acceptor, OTEL_SDK_DISABLED="true")
    agent.run("curl", "-sS", web.url, OTEL_SDK_DISABLED="true", TRACEPARENT=parent)
    assert web.requests[0].traceparent == parent
    assert_nothing(agent, receiver)


@pytest.mark.parametrize("value", ["1", "yes", "", "false"])
def test_only_true_disables(agent, receiver, acceptor, value):
    dial(agent, acceptor, OTEL_SDK_DISABLED=value, OTEL_NATIVE_DISABLED=value)
    assert len(receiver.wait(3)) == 3


def test_no_exporter(agent, receiver, acceptor):
    dial(agent, acceptor, OTEL_TRACES_EXPORTER="none")
    assert_nothing(agent, receiver)


def test_relay_off(agent, receiver, acceptor):
    dial(agent, acceptor, OTEL_NATIVE_RELAY="off")
    assert_nothing(agent, receiver)


def test_external_never_starts_a_relay(agent, receiver, acceptor):
    dial(agent, acceptor, OTEL_NATIVE_RELAY="external")
    assert_nothing(agent, receiver)
    agent.start_relay()
    dial(agent, acceptor, OTEL_NATIVE_RELAY="external")
    assert len(receiver.wait(3)) == 3


@pytest.mark.parametrize("value", ["sometimes", "unix:relative", "unix:/" + 107 * "x"], ids=lambda value: value[:20])
def test_an_invalid_relay_counts_as_unset(agent, receiver, acceptor, value):
    """As the launcher says; the last one is a byte longer than a socket address holds."""
    dial(agent, acceptor, OTEL_NATIVE_RELAY=value)
    assert len(receiver.wait(3)) == 3


@pytest.mark.parametrize("listed, names", [("curl", {"socket"}), ("sockets", {"GET"}), ("curl,sockets", set()), ("*", set())])
def test_disabled_instrumentations(agent, receiver, web, acceptor, listed, names):
    dial(agent, acceptor, OTEL_NATIVE_DISABLED_INSTRUMENTATIONS=listed)
    assert agent.run("curl", "-sS", web.url, OTEL_NATIVE_DISABLED_INSTRUMENTATIONS=listed).returncode == 0
    dial(agent, acceptor, OTEL_SERVICE_NAME="last")
    assert len(receiver.wait(3, where=lambda span: span.service == "last")) == 3
    assert {span.name.split()[0] for span in receiver.spans if span.service != "last"} == names


@pytest.mark.parametrize("name", ["systemd", "init", "sshd", "sudo", "gdb", "strace"])
def test_never_list(agent, receiver, acceptor, tmp_path, name):
    program = shutil.copy(programs.build("dialer"), tmp_path / name)
    dial(agent, acceptor, program)
    assert_nothing(agent, receiver)


def test_secure_execution(agent, receiver, acceptor):
    """A set-user-id program, with the agent forced on it by /etc/ld.so.preload (ld.so itself drops LD_PRELOAD with a slash)."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a set-user-id program and a private /etc/ld.so.preload")
    nobody = 65534
    agent.layout = Layout(shutil.copytree(agent.layout.root, agent.world / "dist"))
    program = shutil.copy(programs.build("dialer"), agent.world / "dialer")
    agent.world.chmod(0o755)
    os.chown(agent.runtime_directory, nobody, nobody)
    script = f"""
        set -e
        cp -a /etc {agent.world}/etc
        echo {agent.layout.library} > {agent.world}/etc/ld.so.preload
        mount --bind {agent.world}/etc /etc
        exec setpriv --reuid {nobody} --regid {nobody} --clear-groups {program} {acceptor} 3
    """

    def run(mode):
        os.chmod(program, mode)
        done = agent.run("unshare", "-m", "sh", "-c", script, environment=agent.bare_environment())
        shutil.rmtree(agent.world / "etc")
        assert (done.returncode, done.stderr) == (0, "")

    run(0o4755)
    assert_nothing(agent, receiver)
    # The control: the same program without the set-user-id bit is traced, so the preload works.
    run(0o755)
    assert len(receiver.wait(3)) == 3
