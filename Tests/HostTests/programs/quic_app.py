"""An ASGI application for hypercorn: answers every request with what it was: version, method, path, traceparents, bytes of its body. Writes the same to $SEEN."""

import os


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    size, is_whole = 0, False
    while not is_whole:
        message = await receive()
        size += len(message.get("body", b""))
        is_whole = not message.get("more_body")
    contexts = ",".join(value.decode() for name, value in scope["headers"] if name == b"traceparent")
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{scope['http_version']} {scope['method']} {scope['path']} {size} {contexts or '-'}\n")
    await send({"type": "http.response.start", "status": 404 if scope["path"] == "/none" else 200, "headers": []})
    await send({"type": "http.response.body", "body": b"an answer\n"})
