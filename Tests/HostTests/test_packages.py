"""The Debian package and the tarball: what is in them, and whether they work on a Debian that has nothing of the build."""

import hashlib
import os
import re
import subprocess
import tarfile

import pytest

from harness.agent import DIST, REPOSITORY
from harness.debian import Machine, root

CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def package(kind, folder, umask, **environment):
    command = [REPOSITORY / "scripts/package", kind, folder]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"} | environment
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, umask=umask, env=environment)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each package, made twice, under circumstances that must not matter."""
    folders = [tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")]
    packages = {}
    for kind in ("deb", "tarball"):
        builds = [package(kind, folders[0], 0o022), package(kind, folders[1], 0o077, TZ="Asia/Tokyo", LC_ALL="C")]
        for build, folder in zip(builds, folders, strict=True):
            said, complaint = build.communicate()
            assert build.returncode == 0, complaint
            packages.setdefault(kind, []).append(folder / os.path.basename(said.strip()))
    return packages


@pytest.fixture
def deb(made):
    return made["deb"][0]


@pytest.fixture
def tarball(made):
    return made["tarball"][0]


@pytest.fixture(scope="module")
def debian():
    if os.geteuid() != 0:
        pytest.skip("needs root, for a root file system of Debian")
    return root("bookworm")


def traced(agent, web, *options):
    """The words that make one traced request, in a clean environment; the answer goes to standard output."""
    settings = [f"{name}={value}" for name, value in agent.bare_environment().items() if name.startswith("OTEL_")]
    return " ".join(["env -i PATH=/usr/bin:/bin", *settings, *options, "curl -sS", f"'{web.url}'"])


def test_the_version_is_everywhere_the_same(deb, tarball):
    (version,) = re.findall(r'"(\d+\.\d+\.\d+)"', (REPOSITORY / "Sources/OTelConfiguration/Version.swift").read_text())
    for program in (DIST.launcher, DIST.relay):
        assert version in subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    assert deb.name == f"otelagent_{version}_amd64.deb"
    assert tarball.name == f"otelagent-{version}-linux-x86_64.tar.gz"


def test_lintian_has_nothing_to_say(deb):
    done = subprocess.run(["lintian", "--allow-root", "--display-info", "--pedantic", deb], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


@pytest.mark.parametrize("kind", ["deb", "tarball"])
def test_made_twice_it_is_the_same(made, kind):
    first, second = made[kind]
    assert second.read_bytes() == first.read_bytes()


def test_the_checksum_is_the_tarballs(tarball):
    assert subprocess.run(["sha256sum", "--check", f"{tarball.name}.sha256"], cwd=tarball.parent, capture_output=True).returncode == 0


def test_the_tarball_holds_dist(tarball):
    with tarfile.open(tarball) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers() if not member.isdir()}
        listed = [line.split() for line in (REPOSITORY / "packaging/files").read_text().splitlines()]
        assert sorted(members) == sorted(path for _, path, *_ in listed)
        for mode, path, *target in listed:
            member = members[path]
            assert (member.uid, member.gid, member.mtime) == (0, 0, 1700000000)
            if mode == "link":
                assert member.linkname == target[0]
            else:
                assert member.mode == int(mode, 8)
                assert hashlib.sha256(archive.extractfile(member).read()).digest() == hashlib.sha256((DIST.root / path).read_bytes()).digest()


DEB = """
# What belongs to dpkg and to logs changes with every package.
state() {{ (cd "$root" && find . -xdev \\( -path ./tmp -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/dpkg -o -path ./var/lib/apt \\) -prune -o -print | sort); }}
state >"$top/before"
cp {deb} "$root/tmp/otelagent.deb"
inside env -i PATH="$PATH" DEBIAN_FRONTEND=noninteractive apt-get install -y -q /tmp/otelagent.deb >"$top/log" 2>&1 || cat "$top/log"
inside dpkg -L otelagent
go installed
inside dpkg --verify otelagent
before=$(inside stat -c %i /usr/lib/otelagent/libotelagent.so)
inside dpkg --install /tmp/otelagent.deb >"$top/log" 2>&1 || cat "$top/log"
[ "$before" != "$(inside stat -c %i /usr/lib/otelagent/libotelagent.so)" ] || echo "an upgrade writes into the library"
as_nobody {launched}
as_nobody {preloaded}
go used
inside dpkg --purge otelagent >"$top/log" 2>&1 || cat "$top/log"
state | diff "$top/before" -
"""

PLACES = """
/usr/bin/otel-instrument /usr/bin/otel-relay /usr/lib/otelagent/libotelagent.so /usr/lib/otelagent/otel-relay
/usr/lib/x86_64-linux-gnu/libotelagent.so /lib/systemd/system/otel-relay.service /usr/lib/systemd/user/otel-relay.service
/usr/share/man/man1/otel-instrument.1.gz /usr/share/man/man7/otelagent.7.gz /usr/share/man/man8/otel-relay.8.gz
/usr/share/bash-completion/completions/otel-instrument /usr/share/zsh/vendor-completions/_otel-instrument
/usr/share/fish/vendor_completions.d/otel-instrument.fish
""".split()


def test_the_deb_installs_traces_and_leaves_nothing_behind(agent, receiver, web, debian, deb):
    script = DEB.format(
        deb=deb, launched=traced(agent, web, "otel-instrument"), preloaded=traced(agent, web, "LD_PRELOAD=libotelagent.so")
    )
    with Machine(debian, script, environment=CLEAN) as machine:
        installed = machine.until("installed").split("\n")
        assert not set(PLACES) - set(installed), installed
        machine.go()
        answers = machine.until("used")
        assert not re.search("otel|writes into", answers), answers
        assert len(receiver.wait(2)) == 2, answers
        machine.go()
        assert machine.end() == ""
    assert [request.traceparent[36:52] for request in web.requests] == [span.span_id for span in sorted(receiver.spans, key=lambda span: span.start)]


TARBALL = """
mkdir "$root/tmp/home"
chown 65534:65534 "$root/tmp/home"
cp {tarball} "$root/tmp/otelagent.tar.gz"
as_nobody tar -C /tmp/home --strip-components=1 -xf /tmp/otelagent.tar.gz
as_nobody {launched}
as_nobody {preloaded}
go used
"""


def test_the_tarball_works_in_a_home(agent, receiver, web, debian, tarball):
    script = TARBALL.format(
        tarball=tarball,
        launched=traced(agent, web, "/tmp/home/bin/otel-instrument"),
        preloaded=traced(agent, web, "LD_PRELOAD=/tmp/home/lib/libotelagent.so"),
    )
    with Machine(debian, script, environment=CLEAN) as machine:
        answers = machine.until("used")
        assert "otel" not in answers, answers
        assert len(receiver.wait(2)) == 2, answers
        machine.go()
        assert machine.end() == ""
