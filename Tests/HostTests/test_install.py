"""make install, as a packager and as an administrator use it; and the builds that do not ship."""

import os
import subprocess
import time

import pytest

from harness import programs
from harness.agent import DIST, REPOSITORY, Layout


def install(script, *arguments):
    return subprocess.run([REPOSITORY / "scripts" / script, *map(str, arguments)], capture_output=True, text=True)


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


INSTALLED = sorted(line.split()[1] for line in (REPOSITORY / "packaging/files").read_text().splitlines())


def test_dist_holds_what_is_installed():
    assert files_below(DIST.root) == INSTALLED


def test_destdir_gets_exactly_the_files_and_uninstall_takes_them_away(tmp_path):
    assert install("install", "/usr", tmp_path).returncode == 0
    assert files_below(tmp_path / "usr") == INSTALLED
    assert os.readlink(tmp_path / "usr/lib/libotelagent.so") == "otelagent/libotelagent.so"
    assert (tmp_path / "usr/lib/otelagent/libotelagent.so").read_bytes() == DIST.library.read_bytes()
    assert os.readlink(tmp_path / "usr/bin/otel-relay") == "../lib/otelagent/otel-relay"
    assert "ExecStart=/usr/bin/otel-relay --system" in (tmp_path / "usr/lib/systemd/system/otel-relay.service").read_text()
    (tmp_path / "usr/lib/otelagent/theirs").write_text("not ours")
    assert install("uninstall", "/usr", tmp_path).returncode == 0
    assert files_below(tmp_path / "usr") == ["lib/otelagent/theirs"]


def test_an_installed_agent_works_by_both_ways(agent, receiver, acceptor):
    prefix = agent.world / "prefix"
    assert install("install", prefix, "").returncode == 0
    agent.layout = Layout(prefix)
    assert agent.launch(programs.build("dialer"), acceptor, 1).returncode == 0
    assert len(receiver.wait(1)) == 1
    # By its name alone, where ld.so looks in the prefix's lib: here because LD_LIBRARY_PATH says so, in /usr/lib by itself.
    environment = agent.bare_environment(LD_PRELOAD="libotelagent.so", LD_LIBRARY_PATH=prefix / "lib")
    done = agent.run(programs.build("dialer"), acceptor, 1, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.wait(2)) == 2


def test_by_name_alone_a_relay_is_found_and_started(agent, receiver, acceptor):
    """The link in lib/ is not beside the relay: the agent has to look where the link leads."""
    prefix = agent.world / "prefix"
    assert install("install", prefix, "").returncode == 0
    agent.layout = Layout(prefix)
    environment = agent.bare_environment(LD_PRELOAD="libotelagent.so", LD_LIBRARY_PATH=prefix / "lib")
    assert agent.run(programs.build("dialer"), acceptor, 1, environment=environment).returncode == 0
    assert len(receiver.wait(1)) == 1


def test_a_running_program_survives_an_upgrade(agent, receiver, acceptor):
    prefix = agent.world / "prefix"
    assert install("install", prefix, "").returncode == 0
    agent.layout = Layout(prefix)
    before = agent.layout.library.stat().st_ino
    process = agent.start(programs.build("dialer"), acceptor, 0, 2000, environment=agent.environment())
    receiver.wait(10)
    assert install("install", prefix, "").returncode == 0
    assert agent.layout.library.stat().st_ino != before  # renamed into place, not written into
    arrived = len(receiver.spans)
    assert len(receiver.wait(arrived + 100)) >= arrived + 100
    assert process.poll() is None
    process.kill()
    process.wait()


@pytest.mark.parametrize("prefix", ["relative/path", "/with space", "/with:colon"])
def test_prefixes_that_cannot_work_are_refused(tmp_path, prefix):
    done = install("install", prefix, tmp_path)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert files_below(tmp_path) == []


def test_the_plain_build_runs_under_ld_preload(agent, receiver, web):
    """`swift build` makes a larger library that loads the Swift runtime; it is for development, and works."""
    library = REPOSITORY / ".build/debug/libotelagent.so"
    if not library.exists():
        pytest.skip(f"{library} is not there: `swift build` makes it, and `make test` runs that")
    environment = agent.bare_environment(LD_PRELOAD=library, OTEL_NATIVE_RELAY="external")
    agent.start_relay()
    done = agent.run("curl", "-sS", web.url, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    (span,) = receiver.wait(1)
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET", 200)


def test_the_installed_link_is_found_by_ld_so(agent, receiver, acceptor):
    """As on a machine: installed under /usr/local, found by its bare name through ldconfig's cache."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a private /usr/local and a private ld.so.cache")
    script = f"""
        set -e
        mount -t tmpfs none /usr/local
        cp -a /etc {agent.world}/etc
        mount --bind {agent.world}/etc /etc
        {REPOSITORY}/scripts/install /usr/local "" >/dev/null
        export LD_PRELOAD=libotelagent.so
        exec {programs.build("dialer")} {acceptor} 1
    """
    done = agent.run("unshare", "-m", "--propagation", "private", "sh", "-c", script, environment=agent.bare_environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert len(receiver.wait(1)) == 1
    # Its relay's executable is in that name space only; it leaves by itself when nobody is left.
    time.sleep(0.1)
