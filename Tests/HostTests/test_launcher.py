"""otel-instrument, as a user types it."""

import os
import shutil
import subprocess

import pytest

from harness import programs
from harness.agent import Layout


@pytest.mark.parametrize(
    "options",
    [
        ["--service-name", "from-option"],
        ["--service-name=from-option"],
        ["--service_name", "from-option"],
        ["--service-name", "from-option", "--"],
    ],
)
def test_options_win_over_the_environment(agent, receiver, acceptor, options):
    assert agent.launch(programs.build("dialer"), acceptor, 1, options=options).returncode == 0
    (span,) = receiver.wait(1)
    assert span.service == "from-option"


def test_endpoint_option(agent, receiver, acceptor):
    options = ["--exporter-otlp-endpoint", receiver.url]
    done = agent.launch(programs.build("dialer"), acceptor, 1, options=options, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0
    assert len(receiver.wait(1)) == 1


def test_nothing_after_the_program_is_interpreted(agent):
    done = agent.launch("printf", "%s\n", "--service-name", "--help", "-v", "--")
    assert done.stdout == "--service-name\n--help\n-v\n--\n"


def test_arguments_and_status_pass_unchanged(agent):
    done = agent.launch("sh", "-c", 'printf "<%s>" "$0" "$@"; exit 77', "", "a b", "*", "ü\n")
    assert (done.returncode, done.stdout, done.stderr) == (77, "<><a b><*><ü\n>", "")


def test_other_preload_entries_stay(agent):
    touch = programs.library("touch.so")
    done = agent.launch("sh", "-c", 'echo "$LD_PRELOAD"', LD_PRELOAD=f"{touch} /nonexistent/../{touch}")
    entries = done.stdout.strip().replace(":", " ").split()
    assert entries == [str(agent.layout.library), str(touch), f"/nonexistent/../{touch}"]


def test_twice_is_once(agent):
    done = agent.launch(agent.layout.launcher, "sh", "-c", 'echo "$LD_PRELOAD"')
    assert done.stdout.strip() == str(agent.layout.library)


def test_program_not_found(agent):
    done = agent.launch("no-such-program-here")
    assert done.returncode == 127
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("otel-instrument: ") and "no-such-program-here" in done.stderr


def test_program_not_executable(agent, tmp_path):
    file = tmp_path / "data"
    file.write_text("not a program")
    done = agent.launch(file)
    assert done.returncode == 126
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("otel-instrument: ") and str(file) in done.stderr


def test_unknown_option(agent):
    done = agent.launch("true", options=["--servce-name", "x"])
    assert done.returncode == 2
    assert "--servce-name" in done.stderr


def test_no_program(agent):
    done = agent.run(agent.layout.launcher, environment=agent.bare_environment())
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage" in done.stderr.lower()


def test_help_and_version(agent):
    shown = agent.run(agent.layout.launcher, "--help", environment=agent.bare_environment())
    assert shown.returncode == 0 and shown.stderr == ""
    assert "--service-name" in shown.stdout and "--exporter-otlp-endpoint" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    version = agent.run(agent.layout.launcher, "--version", environment=agent.bare_environment())
    assert version.returncode == 0 and "0.1.0" in version.stdout


def test_invalid_values_are_named_and_the_program_runs(agent):
    done = agent.launch("echo", "ran", OTEL_BSP_SCHEDULE_DELAY="5s", OTEL_TRACES_SAMPLER="often", OTEL_SDK_DISABLED="1")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    for name, value in [("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTEL_TRACES_SAMPLER", "often"), ("OTEL_SDK_DISABLED", "1")]:
        assert any(name in line and value in line for line in lines), done.stderr


def test_header_values_are_never_shown(agent):
    done = agent.launch("true", OTEL_EXPORTER_OTLP_HEADERS="api-key=canary,broken canary")
    assert "OTEL_EXPORTER_OTLP_HEADERS" in done.stderr
    assert "canary" not in done.stderr + done.stdout


@pytest.mark.parametrize("folder", ["with space", "with:colon"])
def test_a_prefix_that_ld_preload_cannot_express_is_refused(agent, folder):
    layout = Layout(shutil.copytree(agent.layout.root, agent.world / folder))
    done = agent.run(layout.launcher, "echo", "ran", environment=agent.bare_environment())
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_dist_works_copied_elsewhere_and_without_the_toolchain(agent, receiver, acceptor):
    """The toolchain's folder is covered by an empty file system, in a mount name space of its own."""
    agent.layout = Layout(shutil.copytree(agent.layout.root, agent.world / "elsewhere"))
    command = [agent.layout.launcher, programs.build("dialer"), acceptor, 2]
    swift = shutil.which("swift")
    toolchain = os.path.realpath(swift).split("/usr/bin/")[0] if swift else None
    if os.geteuid() != 0 or not toolchain or toolchain == "":
        pytest.skip("needs root and a toolchain in a folder of its own, to hide it")
    hide = f'mount -t tmpfs none {toolchain} && ! ls {toolchain}/usr 2>/dev/null && exec "$@"'
    done = agent.run("unshare", "-m", "sh", "-c", hide, "sh", *command, environment=agent.bare_environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.wait(2)) == 2


def test_closed_standard_descriptors(agent, receiver, acceptor):
    """Neither the launcher nor the relay may end up with a file of its own on 0, 1 or 2."""
    script = 'exec 0<&- 1>&- 2>&-; exec "$@"'
    done = agent.run(
        "sh", "-c", script, "sh", agent.layout.launcher, programs.build("dialer"), acceptor, 1, environment=agent.bare_environment()
    )
    assert done.returncode == 0
    assert len(receiver.wait(1)) == 1


def test_script_with_a_shebang(agent, receiver, acceptor, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\n{programs.build('dialer')} {acceptor} 1\nexit 4\n")
    script.chmod(0o755)
    assert agent.launch(script).returncode == 4
    assert len(receiver.wait(1)) == 1


def test_static_program_runs_untraced_and_says_so(agent):
    program = programs.build("static-true", programs.SOURCES / "true.c", flags=["-static"])
    done = agent.launch(program)
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert str(program) in done.stderr and "statically linked" in done.stderr


def test_it_ends_with_the_program_that_was_asked_for(agent):
    done = subprocess.run(
        [agent.layout.launcher, "sh", "-c", "kill -9 $$"], env=agent.bare_environment(), capture_output=True, timeout=20
    )
    assert done.returncode == -9
