"""A loopback HTTP/1.1 server that remembers what it was asked."""

import contextlib
import re
import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: list  # of (name, value), as they came
    body: bytes

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def traceparent(self):
        """The only traceparent, or None. Two of them are an error whoever sent them."""
        values = self.values("traceparent")
        assert len(values) <= 1, f"traceparent came {len(values)} times: {values}"
        return values[0] if values else None


class WebServer:
    """Paths: /status/N answers N, /slow waits half a second, /held until the server stops, /redirect leads to /status/200, /redirect?URL to URL, /headers?a=b has the
    header a: b; all others answer 200."""

    def __init__(self, host="127.0.0.1", tls=None):
        self.requests = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def __getattr__(self, name):
                # Any method is fine: curl -X FOO must reach us.
                if name.startswith("do_"):
                    return self._answer
                raise AttributeError(name)

            def _answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with web._lock:
                    web.requests.append(Request(self.command, self.path, list(self.headers.items()), body))
                wanted = re.match(r"/status/(\d+)", self.path)
                status = int(wanted[1]) if wanted else 302 if self.path.partition("?")[0] == "/redirect" else 200
                if self.path == "/slow":
                    time.sleep(0.5)
                if self.path == "/held":
                    web._stopped.wait()
                answer = f"{status} {self.command}\n".encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", self.path.partition("?")[2] or "/status/200")
                if self.path.startswith("/headers?"):
                    for name, value in parse_qsl(self.path.partition("?")[2], keep_blank_values=True, encoding="latin-1"):
                        self.send_header(name, value)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_):  # A client that was killed, or that only connects.
                pass

        self._server = Server((host, 0), Handler)
        self.host = f"[{host}]" if ":" in host else host
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{self.host}:{self.port}"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()


def closed_port():
    """A loopback port where nothing listens: it was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def silent_port():
    """A loopback port where connect(2) waits: the queue of those not accepted is full."""
    with socket.socket() as listener, contextlib.ExitStack() as early:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = early.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
