"""Off means off, in all the ways there are to say so."""

import os
import re
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


def bound_to(agent, **variables):
    """Which object Debian's pycurl, loaded when Python already runs, has got curl_easy_perform from, as ld.so tells it."""
    done = agent.run("/usr/bin/python3", "-c", "import pycurl; pycurl.Curl().close()", LD_DEBUG="bindings", LD_BIND_NOW="1", **variables)
    assert done.returncode == 0
    return re.findall(r"binding file \S*pycurl\S* \[0\] to \S*/(\S+) \[0\]: normal symbol `curl_easy_perform'", done.stderr)


@pytest.mark.parametrize("variables", [{"OTEL_NATIVE_DISABLED": "true"}, {"OTEL_NATIVE_RELAY": "off"}, {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"}], ids=str)
def test_a_libcurl_that_comes_later_is_not_touched(agent, variables):
    assert bound_to(agent) == ["libotelagent.so"]
    assert bound_to(agent, **variables) == ["libcurl-gnutls.so.4"]


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
    # Of processes that have ended the relay may read the last one first.
    found = lambda spans: {span.name.split()[0] for span in spans if span.service != "last"}  # noqa: E731
    receiver.wait_until(lambda spans: found(spans) >= names)
    assert found(receiver.spans) == names


NEVER = """
    init systemd systemd-journald systemd-udevd udevadm dbus-daemon dbus-broker snapd cron crond atd agetty ldconfig ld-linux-x86-64.so.2 ld-2.31.so
    sshd sshd-session sshd-auth sudo su runuser login doas passwd polkitd pkexec gdb gdbserver lldb strace ltrace rr valgrind perf
    memcheck-amd64-linux runc crun containerd tini gdm3 Xorg otel-relay
""".split()


def test_never_list(agent, receiver, acceptor, tmp_path):
    dialer = programs.build("dialer")
    for name in NEVER:
        dial(agent, acceptor, shutil.copy(dialer, tmp_path / name))
    # The control, and the last: what came before it has arrived.
    dial(agent, acceptor, shutil.copy(dialer, tmp_path / "initial"))
    assert len(receiver.wait(3)) == 3
    assert {span.resource["process.executable.name"] for span in receiver.spans} == {"initial"}


def test_a_name_alone_makes_no_difference(agent, receiver, acceptor, tmp_path):
    """What counts is the file that runs: not argv[0], not a link, not a script's name."""
    dialer = programs.build("dialer")
    assert agent.run("bash", "-c", f"exec -a sshd {dialer} {acceptor} 2").returncode == 0
    (tmp_path / "sshd").symlink_to(dialer)
    dial(agent, acceptor, tmp_path / "sshd")
    script = tmp_path / "systemd"
    script.write_text(f"#!/usr/bin/python3\nimport socket\nsocket.create_connection(('127.0.0.1', {acceptor})).close()\n")
    script.chmod(0o755)
    assert agent.run(script).returncode == 0
    assert len(receiver.wait(6)) == 6
    receiver.clear()
    # And the other way round: also when the file was replaced meanwhile, as by an upgrade, and is executed once more.
    (tmp_path / "other").mkdir()
    hidden = shutil.copy(dialer, tmp_path / "other/sshd")
    assert agent.run("bash", "-c", f"exec -a dialer {hidden} {acceptor} 2").returncode == 0
    assert agent.run("bash", "-c", f"exec 3<{hidden}; rm {hidden}; exec /proc/self/fd/3 {acceptor} 2").returncode == 0
    assert receiver.wait(1, timeout=0.3) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: /etc/otelagent in a mount name space of its own")
@pytest.mark.parametrize("switch", ["touch", "ln -s /dev/null", "mkdir"])
def test_the_machines_switch(agent, receiver, acceptor, switch):
    """One file, whatever it is, and nothing that starts is instrumented, however the agent comes in."""
    dialer = programs.build("dialer")
    script = f"""
        set -e
        mkdir {agent.world}/etc; cp -a /etc/. {agent.world}/etc; mount --bind {agent.world}/etc /etc
        mkdir -p /etc/otelagent; {switch} /etc/otelagent/disabled
        LD_PRELOAD={agent.layout.library} {dialer} {acceptor} 3
        {agent.layout.launcher} sh -c 'echo "preload: $LD_PRELOAD"'
        {agent.layout.launcher} --check {dialer} || true
        rm -r /etc/otelagent/disabled
        LD_PRELOAD={agent.layout.library} OTEL_SERVICE_NAME=on {dialer} {acceptor} 3
    """
    done = agent.run("unshare", "-m", "sh", "-c", script, environment=agent.bare_environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert "preload: \n" in done.stdout
    assert "will not be traced: /etc/otelagent/disabled switches the agent off on this machine. Remove the file." in done.stdout
    assert len(receiver.wait(3)) == 3
    assert {span.service for span in receiver.spans} == {"on"}


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
