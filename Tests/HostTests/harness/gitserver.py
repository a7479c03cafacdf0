"""A git repository behind a real web server: Apache with `git http-backend`, by HTTP/1.1, from which a client may upgrade, and by HTTP/2 with TLS."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .agent import wait_until
from .webserver import closed_port

MODULES = ["mpm_event", "authz_core", "alias", "env", "cgid", "ssl", "http2"]
CONFIGURATION = """
ServerName 127.0.0.1
PidFile {root}/pid
ErrorLog {root}/error.log
LogFormat "%m %U%q %>s %H %{{traceparent}}i" requests
CustomLog {root}/requests.log requests
ScriptSock {root}/cgi.sock
Mutex pthread
{modules}
{user}
SetEnv GIT_PROJECT_ROOT {root}
SetEnv GIT_HTTP_EXPORT_ALL 1
ScriptAlias /git/ /usr/lib/git-core/git-http-backend/
Protocols h2c http/1.1
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{tls_port}
<VirtualHost 127.0.0.1:{tls_port}>
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile {root}/server.pem
SSLCertificateKeyFile {root}/server.key
</VirtualHost>
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    status: int
    version: str
    traceparent: str | None

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def line(self):
        return f"{self.method} {self.target} {self.status} {self.version}"


class GitServer:
    """`urls` lead to the repository, by scheme; `authority` is the certificate to trust."""

    def __init__(self):
        # Apache serves as www-data when it is started by root, who may not own what git serves then.
        self.root = Path(tempfile.mkdtemp(prefix="otel-git-"))
        self.root.chmod(0o755)
        self.authority = self.root / "ca.pem"
        self._make_certificates()
        self._make_repository()
        if os.geteuid() == 0:
            for path in [self.root, *self.root.rglob("*")]:
                shutil.chown(path, "www-data", "www-data")
        self._start()
        self.urls = {"http": f"http://127.0.0.1:{self.port}/git/repository", "https": f"https://127.0.0.1:{self.tls_port}/git/repository"}

    def _make_certificates(self):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        subject = ["-subj", "/CN=otelagent test authority", "-addext", "basicConstraints=critical,CA:TRUE"]
        run("openssl", "req", "-x509", *key, *subject, "-keyout", self.root / "ca.key", "-out", self.authority)
        name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        signed = ["-CA", self.authority, "-CAkey", self.root / "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"]
        run("openssl", "req", "-x509", *key, *name, *signed, "-keyout", self.root / "server.key", "-out", self.root / "server.pem")

    def _make_repository(self):
        work = self.root / "work"
        git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-C", work]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000"}
        run("git", "init", "-q", "-b", "main", work, env=environment)
        for number in range(3):
            for name in range(10):
                (work / f"file{name}").write_text("".join(f"{number * line * name}\n" for line in range(2000)))
            run(*git, "add", ".", env=environment)
            run(*git, "commit", "-q", "-m", f"commit {number}", env=environment)
        run("git", "clone", "-q", "--bare", work, self.root / "repository", env=environment)
        run("git", "-C", self.root / "repository", "config", "http.receivepack", "true", env=environment)
        shutil.rmtree(work)

    def _start(self):
        loaded = run("apache2", "-l")
        modules = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES if f"mod_{name}.c" not in loaded]
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        # A port that was free may be taken a moment later.
        for _ in range(10):
            self.port, self.tls_port = closed_port(), closed_port()
            text = CONFIGURATION.format(root=self.root, modules="\n".join(modules), user=user, port=self.port, tls_port=self.tls_port)
            (self.root / "apache.conf").write_text(text)
            self._process = subprocess.Popen(
                ["apache2", "-d", self.root, "-f", self.root / "apache.conf", "-D", "FOREGROUND"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            if wait_until(lambda: self._process.poll() is not None or self._answers()) and self._process.poll() is None:
                return
            message = self._process.communicate()[0].decode()
            assert "bind" in message, message
        raise AssertionError("apache2 found no free port")

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.tls_port), 5).close()
            return any(self.root.glob("cgi.sock*"))
        except OSError:
            return False

    def requests(self):
        """What was answered so far. A line is written when the answer is out, which may be a moment after the client has it."""
        log = self.root / "requests.log"
        found = re.findall(r"^(\S+) (\S+) (\d+) HTTP/(\S+) (\S+)$", log.read_text() if log.exists() else "", re.M)
        return [
            Request(method, target, int(status), version.removesuffix(".0"), None if traceparent == "-" else traceparent)
            for method, target, status, version, traceparent in found
        ]

    def stop(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.root, ignore_errors=True)
