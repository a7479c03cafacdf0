"""A server with a thread for each connection, and four clients of it, all in one process."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
answers = []


def ask(number):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
    connection.request("GET", f"/{number}")
    answers.append(connection.getresponse().read().decode())
    connection.close()


clients = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
for client in clients:
    client.start()
for client in clients:
    client.join()
server.shutdown()
print(sorted(answers))
