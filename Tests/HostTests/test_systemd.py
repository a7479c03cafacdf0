"""The units and the examples of services: what systemd makes of them, and the relay under as much of its sandbox as can be had here."""

import os
import re
import subprocess

import pytest

from harness import programs
from harness.agent import DIST, REPOSITORY

UNITS = ("system", "user")


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installation: units name their programs by absolute path."""
    prefix = tmp_path_factory.mktemp("prefix")
    assert subprocess.run([REPOSITORY / "scripts/install", prefix, ""], capture_output=True).returncode == 0
    return prefix


def analyze(*arguments, path=None):
    # A user's units are looked for below XDG_RUNTIME_DIR, which has to be set.
    environment = os.environ | {"XDG_RUNTIME_DIR": "/tmp"} | ({"SYSTEMD_UNIT_PATH": f"{path}:"} if path else {})
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


@pytest.mark.parametrize("scope", UNITS)
def test_units_verify(prefix, scope):
    done = analyze("verify", f"--{scope}", "--man=no", prefix / f"lib/systemd/{scope}/otel-relay.service")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_wrong_unit_would_be_found(prefix, tmp_path):
    """The control."""
    unit = tmp_path / "otel-relay.service"
    text = (prefix / "lib/systemd/system/otel-relay.service").read_text()
    unit.write_text(text.replace("ProtectProc=invisible", "ProtectProc=unheard-of").replace("/bin/otel-relay", "/bin/missing"))
    said = analyze("verify", "--man=no", unit).stdout
    assert "unheard-of" in said and "missing" in said


def test_examples_verify(prefix, tmp_path):
    """The drop-in goes to the service it names; both want the relay's unit."""
    folder = tmp_path / "system"
    (folder / "shop.service.d").mkdir(parents=True)
    (folder / "otel-relay.service").symlink_to(prefix / "lib/systemd/system/otel-relay.service")
    example = (REPOSITORY / "examples/systemd/shop.service").read_text()
    (folder / "shop.service").write_text(example.replace("/usr/bin/otel-instrument", str(prefix / "bin/otel-instrument")))
    (folder / "shop.service.d/otelagent.conf").write_text((REPOSITORY / "examples/systemd/otelagent.conf").read_text())
    done = analyze("verify", "--man=no", folder / "shop.service", path=folder)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_relay_is_well_confined(prefix):
    """systemd's own judgement, 0 to 10. Root and the network are what is left."""
    done = analyze("security", "--offline=true", "--threshold=25", prefix / "lib/systemd/system/otel-relay.service")
    assert done.returncode == 0, done.stdout


def setting(name):
    (value,) = re.findall(rf"^{name}=(.*)$", (REPOSITORY / "packaging/systemd/otel-relay.system.service").read_text(), re.M)
    return value



@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the relay of the system is root's")
def test_the_relay_of_the_system_needs_no_capability(agent, receiver, acceptor):
    assert (setting("CapabilityBoundingSet"), setting("ProtectSystem"), setting("NoNewPrivileges")) == ("", "strict", "yes")
    agent.world.chmod(0o755)
    # Its own tmpfs as /run, and everything else read-only: what RuntimeDirectory= and ProtectSystem=strict leave.
    confined = f"""
        set -eu
        mount -o remount,ro,bind / 2>/dev/null || mount --bind / / && mount -o remount,ro,bind /
        umask {setting("UMask")}
        exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs {DIST.relay} --system
    """
    script = f"""
        set -eu
        mount -t tmpfs -o mode=755 none /run
        mkdir -m {setting("RuntimeDirectoryMode")} /run/{setting("RuntimeDirectory")}
        setsid unshare -m sh -c '{confined}' &
        relay=$!
        until [ -S /run/otelagent/relay-v1.sock ]; do kill -0 $relay; sleep 0.01; done
        grep CapEff /proc/$relay/status
        touch /run/refused.$$ && rm /run/refused.$$
        for user in 1001 1002; do
            setpriv --reuid $user --regid $user --clear-groups \\
                env LD_PRELOAD={DIST.library} OTEL_RESOURCE_ATTRIBUTES=user=$user {programs.build("dialer")} {acceptor} 2
        done
        echo used
        read -r _
        kill $relay
        wait $relay
    """
    environment = agent.bare_environment(XDG_RUNTIME_DIR=None, OTEL_NATIVE_RELAY="external", HOME="/nonexistent", XDG_STATE_HOME=None)
    process = subprocess.Popen(
        ["unshare", "-mpf", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c", script],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said = []
        while (line := process.stdout.readline()) and line != "used\n":
            said.append(line)
        assert said == ["CapEff:\t0000000000000000\n"], process.stderr.read() if not line else said
        spans = receiver.wait(4)
        assert sorted(span.resource["user"] for span in spans) == ["1001", "1001", "1002", "1002"]
        _, stderr = process.communicate("\n", timeout=60)
        assert process.returncode == 0, stderr
    finally:
        process.kill()
        process.communicate()
