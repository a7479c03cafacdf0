"""otel-instrument --check, on programs as Debian has them."""

import os
import shutil
import subprocess

import pytest

from harness import programs
from harness.agent import Layout

NOBODY = 65534


def check(agent, *command, prefix=(), **variables):
    """Runs the check; its lines, and the status."""
    done = agent.run(*prefix, agent.layout.launcher, "--check", *command, environment=agent.bare_environment(**variables))
    assert done.stderr == ""
    return done.stdout.splitlines(), done.returncode


def verdict(agent, *command, **variables):
    lines, _ = check(agent, *command, **variables)
    return lines[0]


def facts(lines, label):
    return [line.split(":", 1)[1].strip() for line in lines if line.startswith(f"  {label}:")]


def test_curl(agent):
    lines, _ = check(agent, "curl", "http://127.0.0.1:9/")
    assert lines[0].startswith("curl: will be traced (requests with libcurl's easy interface, ")
    assert facts(lines, "libcurl") == ["/lib/x86_64-linux-gnu/libcurl.so.4 (OpenSSL), linked by curl"]
    assert "curl_easy_perform, made by curl" in facts(lines, "traced call")


def test_git(agent):
    """git itself has no libcurl: a program that it starts does."""
    lines, _ = check(agent, "git")
    assert facts(lines, "libcurl") == ["not linked"]
    assert facts(lines, "starts")
    lines, _ = check(agent, "/usr/lib/git-core/git-remote-https")
    assert facts(lines, "libcurl") == ["/lib/x86_64-linux-gnu/libcurl-gnutls.so.4 (GnuTLS), linked by git-remote-https"]


def test_python(agent):
    lines, _ = check(agent, "/usr/bin/python3")
    assert lines[0].startswith("/usr/bin/python3: will be traced (")
    assert facts(lines, "file")[0].startswith("/usr/bin/python3 -> /usr/bin/python3.")
    assert "traced when Python loads it" in facts(lines, "libcurl")[0]
    assert any("opentelemetry-instrument" in line for line in lines)


def test_busybox(agent):
    lines, status = check(agent, "busybox", "wget")
    assert lines[0] == "busybox: cannot be traced: it is statically linked, so no agent can be loaded into it."
    assert status == 1
    launched = agent.launch("busybox", "true")
    assert launched.returncode == 0
    assert launched.stderr == (
        "otel-instrument: /usr/bin/busybox runs without the agent: it is statically linked, so no agent can be loaded into it. "
        "Use a build of it that is linked with glibc dynamically.\n"
    )


def test_musl(agent, tmp_path):
    program = tmp_path / "program"
    subprocess.run(["musl-gcc", "-o", program, programs.SOURCES / "true.c"], check=True)
    assert verdict(agent, program) == f"{program}: cannot be traced: it is a program for musl and the agent needs glibc."


def test_a_32_bit_program(agent, tmp_path):
    source = tmp_path / "program.c"
    source.write_text('void _start(void) { __asm__("int $0x80" : : "a"(1), "b"(0)); }\n')
    program = tmp_path / "program"
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-o", program, source], check=True)
    lines, _ = check(agent, program)
    assert "32-bit" in lines[0]
    assert facts(lines, "format") == ["ELF, 32-bit, x86"]


def test_a_sanitizer(agent, tmp_path):
    program = programs.build("sanitized", programs.SOURCES / "true.c", flags=["-fsanitize=address"])
    assert "cannot be traced: it uses libasan.so" in verdict(agent, program)
    done = agent.launch(program)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)


def test_sudo(agent):
    lines, status = check(agent, "sudo", "-u", "nobody", "true")
    assert lines[0].startswith("sudo: cannot be traced: sudo gives the program that it starts an environment of its own")
    assert any("sudo ... otel-instrument" in line for line in lines)
    assert status == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: programs with other rights than their caller's")
@pytest.mark.parametrize("kind, words", [("user", "set-user-id (of root)"), ("group", "set-group-id (of group 0)"), ("capabilities", "capabilities")])
def test_other_rights(agent, acceptor, receiver, kind, words):
    """What ld.so then does is seen as well: without these rights the program is traced, with them it is not."""
    world = agent.world / "open"
    agent.layout = Layout(shutil.copytree(agent.layout.root, world / "dist"))
    program = shutil.copy(programs.build("dialer"), world / "dialer")
    for folder in (agent.world, world):
        folder.chmod(0o755)
    os.chown(agent.runtime_directory, NOBODY, NOBODY)
    as_nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]

    def run():
        done = agent.run(*as_nobody, agent.layout.launcher, program, acceptor, 1, environment=agent.bare_environment())
        assert done.returncode == 0
        return done.stderr

    assert run() == ""
    assert len(receiver.wait(1)) == 1
    lines, _ = check(agent, program, prefix=as_nobody)
    assert lines[0].startswith(f"{program}: will be traced (TCP connects)")

    if kind == "capabilities":
        subprocess.run(["setcap", "cap_net_raw+ep", program], check=True)
    else:
        os.chmod(program, 0o4755 if kind == "user" else 0o2755)
    lines, status = check(agent, program, prefix=as_nobody)
    assert "cannot be traced: it gets other rights" in lines[0] and words in lines[0]
    assert status == 1
    assert words in run()
    assert receiver.wait(2, timeout=0.5) == receiver.spans
    assert len(receiver.spans) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount of its own")
def test_noexec(agent):
    script = 'mount -t tmpfs -o noexec none "$1" && cp /bin/true "$1/" && exec "$2" --check "$1/true"'
    done = agent.run("unshare", "-m", "sh", "-c", script, "sh", agent.runtime_directory, agent.layout.launcher, environment=agent.bare_environment())
    assert done.returncode == 126
    assert "its file system is mounted noexec" in done.stderr


def test_a_snap(agent, tmp_path):
    """/snap/bin has a link to snap(1) for every program."""
    shutil.copy("/bin/true", tmp_path / "snap")
    (tmp_path / "hello").symlink_to("snap")
    lines, _ = check(agent, tmp_path / "hello")
    assert "cannot be traced: snaps are confined" in lines[0]
    assert facts(lines, "file") == [f"{tmp_path}/hello -> {tmp_path}/snap"]


def test_the_never_list(agent, tmp_path):
    program = shutil.copy("/bin/true", tmp_path / "strace")
    assert "cannot be traced: the agent never acts in strace" in verdict(agent, program)
    # What it would start is traced, so that there is nothing to say when it is run.
    assert agent.launch(program).stderr == ""


def test_a_program_with_its_own_libcurl(agent, tmp_path):
    source = tmp_path / "own.c"
    source.write_text("int curl_easy_perform(void *h) { return h != 0; }\nint main(void) { return curl_easy_perform(0); }\n")
    program = tmp_path / "own"
    subprocess.run(["gcc", "-o", program, source], check=True)
    lines, _ = check(agent, program)
    assert facts(lines, "libcurl") == ["built into the program"]


def test_nothing_is_run_and_nothing_started(agent, tmp_path):
    lines, _ = check(agent, "touch", tmp_path / "file")
    assert not (tmp_path / "file").exists()
    assert facts(lines, "relay") == ["none yet: one will be started"]
    assert agent.relays() == []


def test_a_relay_that_runs(agent):
    pid = agent.start_relay()
    lines, _ = check(agent, "true")
    (relay,) = facts(lines, "relay")
    assert relay.startswith(f"listens at {agent.runtime_directory}/otelagent/") and f"pid {pid}" in relay


def test_the_destination(agent, receiver):
    lines, status = check(agent, "curl")
    assert status == 0, "\n".join(lines)
    assert receiver.url in facts(lines, "destination")[0]
    lines, status = check(agent, "curl", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert status == 1
    assert lines[0].endswith(". Its spans will not arrive: see To do.")
    assert any(line.startswith("  - The destination does not take spans: http://127.0.0.1:9") for line in lines)


def test_settings_and_where_they_come_from(agent):
    lines, status = check(agent, "--service-name", "shop", "true", OTEL_TRACES_SAMPLER="oftne", OTEL_EXPORTER_OTLP_HEADERS="api-key=canary")
    assert '  OTEL_SERVICE_NAME = "shop" (option)' in lines
    assert '  OTEL_TRACES_SAMPLER = "oftne" (environment; see below)' in lines
    assert "  OTEL_EXPORTER_OTLP_HEADERS = api-key (values not shown) (environment)" in lines
    assert '  OTEL_TRACES_EXPORTER = "otlp" (otelagent\'s default)' in lines
    assert any(line.startswith('  - OTEL_TRACES_SAMPLER="oftne"') for line in lines)
    assert status == 1
    assert "canary" not in "\n".join(lines)
