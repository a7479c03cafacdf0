"""Servers that are started by root and become somebody else: nginx, Apache, PostgreSQL and sshd, without the agent and with it."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from harness import programs
from harness.agent import Layout, wait_until
from harness.webserver import closed_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as the servers do")


@pytest.fixture
def public(agent):
    """Whoever a server's workers become can execute the relay, and enter the server's folder."""
    agent.layout = Layout(shutil.copytree(agent.layout.root, agent.world / "dist", symlinks=True))
    agent.world.chmod(0o755)
    return agent


class Server:
    """A server in the foreground, with `touches` preloaded, and in front of it or not the agent."""

    def __init__(self, agent, command, acceptor, *, is_traced, touches=("touch_accept.so",), port=None, **variables):
        preload = [str(programs.library(name)) for name in touches] + ([str(agent.layout.library)] if is_traced else [])
        self.errors = agent.world / "stderr"
        with open(self.errors, "w") as errors:
            self.process = agent.start(
                *command, environment=agent.bare_environment(LD_PRELOAD=":".join(preload), TOUCH_PORT=acceptor, **variables),
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True,  # Apache ends its whole process group.
            )  # fmt: skip
        assert port is None or wait_until(lambda: self._listens(port)), self.errors.read_text()

    def _listens(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def workers(self):
        try:
            return sorted(map(int, Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()))
        except OSError:
            return []

    def end(self, number):
        """Its status and what it said."""
        self.process.send_signal(number)
        return self.process.wait(30), self.errors.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()


def rights(pid):
    """Of each thread: ids, capabilities, filters."""
    found = set()
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        lines = status.read_text().splitlines()
        found.add("\n".join(line for line in lines if line.startswith(("Uid", "Gid", "Groups", "Cap", "Seccomp", "NoNewPrivs", "Threads"))))
    return found


def fetch(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.status, answer.read()


NGINX = """
env TOUCH_PORT; user www-data; worker_processes 2; daemon off; pid {world}/pid; error_log {world}/error.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {world}/t1; proxy_temp_path {world}/t2; fastcgi_temp_path {world}/t3; uwsgi_temp_path {world}/t4; scgi_temp_path {world}/t5;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {upstream}; }} }}
}}
"""
APACHE = """
ServerName 127.0.0.1
PidFile {world}/pid
ErrorLog {world}/error.log
LogLevel error
Mutex pthread
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 2
ServerLimit 2
MaxRequestWorkers 2
Listen 127.0.0.1:{port}
ProxyPass / {upstream}/
"""


def web_server(agent, web, acceptor, *, is_traced, name):
    """Starts it, asks it, has it read its configuration again, asks again, and ends it: all that can be told from outside."""
    port = closed_port()
    configuration = agent.world / "configuration"
    text = {"nginx": NGINX, "apache2": APACHE}[name]
    configuration.write_text(text.format(world=agent.world, port=port, upstream=web.url))
    command = {"nginx": ["nginx", "-e", agent.world / "error.log", "-c", configuration], "apache2": ["apache2", "-DFOREGROUND", "-f", configuration]}[name]
    told = []
    with Server(agent, command, acceptor, is_traced=is_traced, port=port) as server:
        assert wait_until(lambda: len(server.workers()) == 2 and all(f"Uid:\t{WWW_DATA}" in next(iter(rights(pid))) for pid in server.workers()))
        first = server.workers()
        told += [fetch(port, f"/{number}") for number in range(8)]
        told += [rights(pid) for pid in first]
        # Nobody died meanwhile.
        assert server.workers() == first
        server.process.send_signal({"nginx": signal.SIGHUP, "apache2": signal.SIGUSR1}[name])
        assert wait_until(lambda: len(server.workers()) == 2 and not set(server.workers()) & set(first))
        told += [fetch(port, f"/{number}") for number in range(8)]
        told.append(server.end({"nginx": signal.SIGQUIT, "apache2": signal.SIGTERM}[name]))
        # Without times and process ids.
        told.append(re.sub(r"\[\w{3} \w{3} .*?\]|\[pid .*?\]|^[\d/]+ [\d:]+|\d+#\d+", "", (agent.world / "error.log").read_text(), flags=re.M))
    return told, port


WWW_DATA = pwd.getpwnam("www-data").pw_uid


@pytest.mark.parametrize("name", ["nginx", "apache2"])
def test_workers_that_became_somebody_else(public, receiver, web, acceptor, name):
    bare, _ = web_server(public, web, acceptor, is_traced=False, name=name)
    (public.world / "error.log").write_text("")
    traced, _ = web_server(public, web, acceptor, is_traced=True, name=name)
    assert traced == bare
    assert bare[-2][0] == 0
    # A request is an accept, and an accept a touch, in a process of www-data's; so was the probe for the port.
    spans = receiver.wait(17, where=lambda span: span.name == f"socket connect 127.0.0.1:{acceptor}")
    assert len(spans) >= 17
    assert len({span.resource["process.pid"] for span in spans}) >= 2
    # Each found a relay by its own user, and not root's.
    assert {Path(f"/proc/{relay}").stat().st_uid for relay in public.relays()} <= {WWW_DATA, 0}


# MARK: PostgreSQL


def test_postgres(public, receiver, acceptor):
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    user = pwd.getpwnam("postgres")
    world = public.world / "postgres"
    world.mkdir()
    os.chown(world, user.pw_uid, user.pw_gid)
    os.chown(public.runtime_directory, user.pw_uid, user.pw_gid)
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    done = public.run_bare(*become, binaries / "initdb", "--no-sync", "-A", "trust", "-D", world / "data")
    assert done.returncode == 0, done.stderr
    told = []
    for is_traced in (False, True):
        options = ["-k", world, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "logging_collector=off", "-c", "log_min_messages=fatal"]
        command = [*become, binaries / "postgres", "-D", world / "data", *options]
        with Server(public, command, acceptor, is_traced=is_traced) as server:
            assert wait_until(lambda: public.run_bare(binaries / "pg_isready", "-q", "-h", world).returncode == 0), server.errors.read_text()
            environment = public.environment() if is_traced else public.bare_environment()
            query = "select n * 7 from generate_series(1, 1000) n; select current_user; select 1 / 0"
            done = public.run(*become, binaries / "psql", "-X", "-h", world, "-d", "postgres", "-c", query, environment=environment)
            told.append((done.returncode, done.stdout, done.stderr, server.end(signal.SIGINT)[0]))
    assert told[1] == told[0] and told[0][0] == 1 and told[0][3] == 0
    assert len(receiver.wait(1)) >= 1


# MARK: sshd

SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {world}/host-key
PidFile {world}/sshd.pid
AuthorizedKeysFile {world}/key.pub
StrictModes no
UsePAM no
LogLevel ERROR
AllowUsers otel-guest
"""


def log_in(agent, acceptor, program, *, is_traced):
    """A login by key at a server of its own; what the client saw, and how the server ended."""
    port, world = closed_port(), agent.world
    (world / "sshd_config").write_text(SSHD.format(port=port, world=world))
    # The user is only there for this server, whose own /etc this is.
    script = f"""
        set -e
        rm -rf {world}/etc; cp -a /etc {world}/etc
        echo 'otel-guest:x:54321:54321::/:/bin/sh' >> {world}/etc/passwd
        echo 'otel-guest:*:19000:0:99999:7:::' >> {world}/etc/shadow
        mount --bind {world}/etc /etc
        mkdir -p /run/sshd; mount -t tmpfs -o mode=755 none /run/sshd
        preload=$LD_PRELOAD
        exec {program} -D -e -f {world}/sshd_config
    """
    with Server(agent, ["unshare", "-m", "sh", "-c", script], acceptor, is_traced=is_traced, touches=["touch.so"], port=port) as server:
        options = [f"-oUserKnownHostsFile={world}/known", "-oStrictHostKeyChecking=no", "-oBatchMode=yes", "-oLogLevel=ERROR", "-F", "none"]
        done = agent.run_bare(
            "ssh", *options, "-i", world / "key", "-p", port, "otel-guest@127.0.0.1", "id; env | grep -c LD_PRELOAD; grep -E 'Cap|Seccomp:' /proc/self/status; exit 5"
        )
        return (done.returncode, done.stdout, done.stderr), server.end(signal.SIGTERM)


def test_a_login_by_sshd(public, receiver, acceptor):
    """By its own name it is left alone. By another one the agent acts in it, beside its separation of privileges and its filters."""
    for name in ("key", "host-key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", public.world / name], check=True)
    (public.world / "key.pub").chmod(0o644)
    sshd = shutil.which("sshd", path="/usr/sbin")
    other = shutil.copy(sshd, public.world / "secure-shell")
    bare = log_in(public, acceptor, other, is_traced=False)
    assert bare[0][0] == 5 and "uid=54321" in bare[0][1], bare
    receiver.clear()
    assert log_in(public, acceptor, sshd, is_traced=True)[0] == bare[0]
    assert receiver.wait(1, timeout=0.3, where=lambda span: span.resource["process.executable.name"] == "sshd") == []
    assert log_in(public, acceptor, other, is_traced=True) == bare
    # The server, and itself again for the connection; the probe for the port was one too.
    assert len(receiver.wait(3, where=lambda span: span.resource["process.executable.name"] == "secure-shell")) >= 2
