"""Two workers forked before there is any work, as Apache's and PostgreSQL's are, and six clients; each worker calls the next server itself."""

import os
import signal
import socket

listener = socket.create_server(("127.0.0.1", 0))
behind = socket.create_server(("127.0.0.1", 0))


def serve():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        connection, _ = listener.accept()
        socket.create_connection(behind.getsockname()).close()
        connection.sendall(b"served\n")
        connection.close()


workers = []
for _ in range(2):
    worker = os.fork()
    if worker == 0:
        serve()
    workers.append(worker)
for _ in range(6):
    client = socket.create_connection(listener.getsockname())
    print(client.makefile().read(), end="")
    client.close()
for worker in workers:
    os.kill(worker, signal.SIGTERM)
    print(os.waitpid(worker, 0)[1])
