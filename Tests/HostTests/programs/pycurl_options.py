"""pycurl_options.py JSON: one request by pycurl with the options of {"URL": …, "HTTPHEADER": […], …}; a number, a text or a list. Prints the status."""

import io
import json
import sys

import pycurl

handle = pycurl.Curl()
body = io.BytesIO()
handle.setopt(pycurl.WRITEDATA, body)
options = json.loads(sys.argv[1])
again = options.pop("again", 0)
for name, value in options.items():
    handle.setopt(getattr(pycurl, name), value)
for _ in range(1 + again):
    handle.perform()
    print(handle.getinfo(pycurl.RESPONSE_CODE))
handle.close()
