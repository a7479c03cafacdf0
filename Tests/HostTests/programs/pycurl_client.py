"""pycurl_client.py URL...: a GET of each by one pycurl handle, with a header of its own."""

import io
import sys

import pycurl

handle = pycurl.Curl()
handle.setopt(pycurl.HTTPHEADER, ["X-Own: header"])
for url in sys.argv[1:]:
    body = io.BytesIO()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.WRITEDATA, body)
    handle.perform()
    print(handle.getinfo(pycurl.RESPONSE_CODE), body.getvalue())
handle.close()
