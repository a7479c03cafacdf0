"""asyncio_client.py HOW HOST[,HOST] PORT [uvloop]: opens a connection and prints what came of it. Several hosts are what the name is
said to resolve to.

HOW: open, cancel (after 50 ms), spawn (a child that closes all descriptors, while a hundred connects are in progress).
"""

import asyncio
import socket
import subprocess
import sys

how, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def several(*_, **__):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in host.split(",")]


async def client():
    if "," in host:
        asyncio.get_running_loop().getaddrinfo = several
    opening = asyncio.open_connection(host, port)
    try:
        _, writer = await (asyncio.wait_for(opening, 0.05) if how == "cancel" else opening)
        print("connected to", writer.get_extra_info("peername")[1] == port)
        writer.close()
    except (OSError, asyncio.TimeoutError) as error:
        print(type(error).__name__, getattr(error, "errno", None))


def spawn():
    sockets = [socket.socket() for _ in range(100)]
    for one in sockets:
        one.setblocking(False)
        print(one.connect_ex((host, port)), end=" ")
    print(subprocess.run(["sh", "-c", "exec ls /proc/self/fd"], close_fds=True, capture_output=True, text=True).stdout)
    for one in sockets:
        print(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), end=" ")
    print()


if how == "spawn":
    spawn()
elif sys.argv[4:] == ["uvloop"]:
    import uvloop

    uvloop.run(client())
else:
    asyncio.run(client())
