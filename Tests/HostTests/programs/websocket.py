"""websocket.py URL: a WebSocket by pycurl's libcurl: opens it, says a word, prints what it hears, and closes it."""

import sys
import time

import pycurl

handle = pycurl.Curl()
handle.setopt(pycurl.URL, sys.argv[1])
handle.setopt(pycurl.CONNECT_ONLY, 2)
handle.perform()
print(handle.getinfo(pycurl.RESPONSE_CODE))
print(handle.ws_send(b"word", pycurl.WS_TEXT))
while True:
    try:
        print(handle.ws_recv(100))
        break
    except (pycurl.error, BlockingIOError) as error:
        # CURLE_AGAIN.
        if isinstance(error, pycurl.error) and error.args[0] != 81:
            raise
        time.sleep(0.01)
handle.ws_send(b"", pycurl.WS_CLOSE)
handle.close()
