"""What a collector can do wrong with a request that it has read. Each takes the handler of one request and answers in its way."""

import gzip
import os
import socket
import struct
import time
from email.utils import formatdate

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

PARTIAL_MESSAGE = "one span is too old"
WARNING_MESSAGE = "the quota is nearly used up"


def write(handler, data):
    """False when the peer has gone: then there is nobody left to bother."""
    try:
        handler.wfile.write(data)
        handler.wfile.flush()
        return True
    except OSError:
        handler.close_connection = True
        return False


def answer(status, body=b"", **headers):
    def fault(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value() if callable(value) else value)
        handler.end_headers()
        write(handler, body)

    return fault


def raw(*pieces, pause=0.0, reset=False):
    """Writes the pieces, and closes."""

    def fault(handler):
        handler.close_connection = True
        for piece in pieces:
            if not write(handler, piece):
                return
            time.sleep(pause)
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(handler.connection.detach())

    return fault


def endless(head, piece, pause=0.0):
    """Until the peer has had enough."""

    def fault(handler):
        handler.close_connection = True
        if write(handler, head):
            while write(handler, piece):
                time.sleep(pause)

    return fault


def partial(rejected, message):
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response.SerializeToString()


OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
# A gibibyte of zeros, in members of a mebibyte.
BOMB = gzip.compress(bytes(1 << 20)) * 1024


def in_a_second():
    return formatdate(time.time() + 2, usegmt=True)
