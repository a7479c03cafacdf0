"""A name server on a loopback address of its own, port 53, and a /etc/resolv.conf that leads to it: for root, in a mount name space."""

import random
import socket
import struct
import threading

TYPES = {1: socket.AF_INET, 28: socket.AF_INET6}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN = 0, 1, 2, 3


class NameServer:
    """Answers from `names`: a list of addresses, or a response code; a name that is None gets no answer. Others do not exist.

    Questions are kept: `asked`.
    """

    def __init__(self, names):
        self.names = names
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            self.address = f"127.{random.randrange(64, 127)}.{random.randrange(256)}.{random.randrange(1, 255)}"
            try:
                self._socket.bind((self.address, 53))
                break
            except OSError:  # Somebody else's, on every address or on this one.
                continue
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def resolv_conf(self):
        return f"nameserver {self.address}\noptions timeout:1 attempts:1\n"

    def _serve(self):
        while True:
            question, asker = self._socket.recvfrom(4096)
            if question == b"stop":
                return
            answer = self._answer(question)
            if answer:
                self._socket.sendto(answer, asker)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
            at += 1 + question[at]
        (kind,) = struct.unpack(">H", question[at + 1 : at + 3])
        name = ".".join(labels)
        self.asked.append(name)
        known = self.names.get(name, NXDOMAIN)
        if known is None:
            return None
        code, addresses = (known, []) if isinstance(known, int) else (NOERROR, known)
        family = TYPES.get(kind)
        packed = []
        for address in addresses:
            try:
                packed.append(socket.inet_pton(family, address))
            except (OSError, TypeError):  # of the other family
                continue
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one for one in packed)
        return question[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(packed), 0, 0) + question[12 : at + 5] + records

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"stop", (self.address, 53))
        self._thread.join()
        self._socket.close()


def asking(server, folder, *command):
    """`command`, for which that server is the only one."""
    file = folder / "resolv.conf"
    file.write_text(server.resolv_conf())
    return ["unshare", "-m", "sh", "-c", f'mount --bind {file} /etc/resolv.conf && exec "$@"', "sh", *command]
