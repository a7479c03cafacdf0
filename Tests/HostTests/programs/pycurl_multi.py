"""pycurl_multi.py URL READ: three requests at once by pycurl's CurlMulti. READ: whether their results are read."""

import io
import sys

import pycurl

multi = pycurl.CurlMulti()
handles = []
for path in ("/1", "/status/404", "/slow"):
    handle, body = pycurl.Curl(), io.BytesIO()
    handle.setopt(pycurl.URL, sys.argv[1] + path)
    handle.setopt(pycurl.WRITEDATA, body)
    handle.setopt(pycurl.HTTPHEADER, [f"X-Path: {path}"])
    multi.add_handle(handle)
    handles.append((path, handle, body))
running = len(handles)
while running:
    _, running = multi.perform()
    if running:
        multi.select(1.0)
if sys.argv[2] == "read":
    left, done, failed = multi.info_read()
    print(left, len(done), failed)
for path, handle, body in handles:
    print(path, handle.getinfo(pycurl.RESPONSE_CODE), body.getvalue())
    multi.remove_handle(handle)
    handle.close()
multi.close()
