"""asyncio_requests.py URL: eight requests at once on one thread, and one connect that is refused."""

import asyncio
import socket
import sys
from urllib.parse import urlsplit


async def ask(host, port, number):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /{number} HTTP/1.0\r\n\r\n".encode())
    status = await reader.readline()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return status


async def main():
    url = urlsplit(sys.argv[1])
    print(await asyncio.gather(*(ask(url.hostname, url.port, number) for number in range(8))))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        try:
            await asyncio.open_connection(*bound.getsockname())
        except OSError as error:
            print(type(error).__name__)


asyncio.run(main())
