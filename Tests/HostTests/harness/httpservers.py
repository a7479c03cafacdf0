"""Real servers for HTTP as it is spoken: nginx (HTTP/1.1, HTTP/2 with and without TLS), tinyproxy, and one that answers byte by byte what a test says."""

import base64
import contextlib
import hashlib
import re
import socket
import struct
import subprocess
import threading
from pathlib import Path

from .agent import wait_until
from .certificates import Authority
from .webserver import closed_port

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format seen '$request_method $request_uri $status $server_protocol $http_traceparent';
  access_log {folder}/requests seen;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
  server {{
    listen 127.0.0.1:{http}; listen [::1]:{http}; listen 127.0.0.1:{h2c} http2; listen 127.0.0.1:{tls} ssl http2; listen unix:{folder}/socket;
    root {folder}/files;
    location /dav/ {{ dav_methods PUT; }}
    location /basic/ {{ auth_basic r; auth_basic_user_file {folder}/users; }}
    location /redirect {{ return 302 /ten; }}
    location /loop {{ return 302 /loop; }}
    location /busy {{ return 503; }}
    location /post {{ return 204; }}
  }}
  server {{ listen 127.0.0.1:{expired} ssl; ssl_certificate {folder}/expired.pem; ssl_certificate_key {folder}/expired.key; }}
  server {{ listen 127.0.0.1:{elsewhere} ssl; ssl_certificate {folder}/elsewhere.pem; ssl_certificate_key {folder}/elsewhere.key; }}
}}
"""
PORTS = ("http", "h2c", "tls", "expired", "elsewhere")


class Nginx:
    """`/ten` is ten bytes, `/thousand` a thousand, `/million` a million. `authority` is the certificate to trust; `ports` by name."""

    def __init__(self, folder):
        self.folder = folder
        authority = Authority(folder, "ca")
        self.authority = authority.certificate
        authority.issue("server", "IP:127.0.0.1,DNS:localhost")
        authority.issue("elsewhere", "DNS:elsewhere.example")
        authority.issue("expired", days=-1)
        (folder / "files/dav").mkdir(parents=True)
        (folder / "files/basic").mkdir()
        (folder / "files/ten").write_bytes(b"0123456789")
        (folder / "files/basic/ten").write_bytes(b"0123456789")
        (folder / "files/thousand").write_bytes(bytes(1000))
        (folder / "files/million").write_bytes(bytes(1_000_000))
        (folder / "users").write_text("user:{PLAIN}word\n")
        self.ports = {name: closed_port() for name in PORTS}
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, **self.ports))
        self._process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
        self.socket = folder / "socket"
        assert wait_until(self.socket.exists), (folder / "error.log").read_text()

    def stop(self):
        self._process.terminate()
        self._process.wait()

    def forget(self):
        """What was uploaded and seen."""
        (self.folder / "requests").write_text("")
        for file in (self.folder / "files/dav").iterdir():
            file.unlink()

    def requests(self, count):
        """(line, traceparent) of each request, once there are `count`."""
        lines = lambda: (self.folder / "requests").read_text().splitlines()  # noqa: E731
        wait_until(lambda: len(lines()) >= count)
        return [tuple(line.rsplit(" ", 1)) for line in lines()]


TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Allow ::1
LogFile "{folder}/tinyproxy.log"
{tunnels}
"""


@contextlib.contextmanager
def tinyproxy(folder, tunnels=""):
    """Yields its port. `tunnels`: lines of the configuration; without, CONNECT is allowed to every port."""
    port = closed_port()
    file = Path(folder) / f"tinyproxy-{port}.conf"
    file.write_text(TINYPROXY.format(port=port, folder=folder, tunnels=tunnels))
    process = subprocess.Popen(["tinyproxy", "-d", "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        assert wait_until(listens)
        yield port
    finally:
        process.terminate()
        process.wait()


def answer(status, *headers, body=b"", version="1.1"):
    lines = [f"HTTP/{version} {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def ntlm_challenge():
    """A Type 2 message ([MS-NLMP] 2.2.1.2) without a target."""
    message = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 48, 0x00008201) + b"challeng" + bytes(8) + struct.pack("<HHI", 0, 0, 48)
    return base64.b64encode(message).decode()


def speak_websocket(connection, stream, head):
    """Says back what it is told, until it is told to close (RFC 6455). Frames of at most 125 bytes."""
    key = re.search(r"Sec-WebSocket-Key: (\S+)", head, re.I)[1]
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    headers = ["HTTP/1.1 101 Switching", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
    connection.sendall("\r\n".join([*headers, "", ""]).encode())
    while start := stream.read(2):
        size, mask = start[1] & 0x7F, stream.read(4)
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(stream.read(size)))
        connection.sendall(bytes([start[0], size]) + payload)
        if start[0] & 0xF == 8:
            return


def read_head(stream):
    """The lines of a request's head; empty when the client has left."""
    lines = []
    while (line := stream.readline()) != b"\r\n":
        if not line:
            return ""
        lines.append(line)
    return b"".join(lines).decode("latin-1")


class ScriptedServer:
    """Answers each target as ANSWERS says: bytes, and whether the connection is closed then. `heads`: the requests, as they came."""

    def __init__(self):
        self.heads = []
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        # Closed alone, the thread would go on waiting in accept(2), and take the connections of whoever gets the descriptor's number next.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            while head := read_head(stream):
                self.heads.append(head)
                if head.split()[1].endswith("/expectant") and "expect:" not in head.lower():
                    stream.read(int(re.search(r"content-length: (\d+)", head.lower())[1]))
                target = head.split()[1].strip("/")
                if target == "ws":
                    return speak_websocket(connection, stream, head)
                if self._respond(connection, target, head):
                    return

    def _respond(self, connection, target, head):
        """Returns whether the connection is to be closed."""
        authorization = next((line.split(" ", 2)[1:] for line in head.split("\r\n") if line.lower().startswith("authorization:")), None)
        if target == "held":
            self._stopped.wait()
        elif target == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif target == "digest":
            challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
            connection.sendall(answer(200, body=b"ok") if authorization and authorization[0] == "Digest" else answer(401, challenge))
            return False
        elif target.endswith("asking"):
            connection.sendall(answer(200, body=b"ok") if "proxy-authorization:" in head.lower() else answer(407, 'Proxy-Authenticate: Basic realm="r"'))
            return False
        elif target == "expectant":
            connection.sendall(answer(417 if "expect:" in head.lower() else 200, body=b"ok"))
            return False
        elif target == "ntlm":
            is_last = authorization and base64.b64decode(authorization[1])[8] == 3
            connection.sendall(answer(200, body=b"ok") if is_last else answer(401, f"WWW-Authenticate: NTLM {ntlm_challenge()}"))
            return False
        else:
            # Another test's program may have had this port for its server.
            connection.sendall(ANSWERS[target] if target in ANSWERS else answer(404))
        return True


ANSWERS = {
    "old": b"HTTP/1.0 200 OK\r\n\r\nold",
    "older": b"an answer of HTTP/0.9",
    "short": answer(200, body=b"0123456789").replace(b"Content-Length: 10", b"Content-Length: 100"),
    "empty": b"",
    "garbled": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
    "coded": answer(200, "Content-Encoding: gzip", body=b"this is no gzip"),
}
