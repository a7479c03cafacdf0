"""pycurl_twice.py INTERFACE URL: URL twice with one handle, by the easy or the multi interface; prints libcurl's error number of each. Half a second at most."""

import io
import sys

import pycurl

_, interface, url = sys.argv
handle = pycurl.Curl()
handle.setopt(pycurl.URL, url)
handle.setopt(pycurl.TIMEOUT_MS, 500)
handle.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)
handle.setopt(pycurl.CAINFO, "/etc/ssl/certs/ca-certificates.crt")
handle.setopt(pycurl.CAPATH, "/etc/ssl/certs")


def easy():
    try:
        handle.perform()
        return 0
    except pycurl.error as error:
        return error.args[0]


def multi(multi=pycurl.CurlMulti()):
    multi.add_handle(handle)
    running = 1
    while running:
        _, running = multi.perform()
        multi.select(0.1)
    _, done, failed = multi.info_read()
    multi.remove_handle(handle)
    return failed[0][1] if failed else 0


for _ in range(2):
    body = io.BytesIO()
    handle.setopt(pycurl.WRITEDATA, body)
    print({"easy": easy, "multi": multi}[interface](), body.getvalue())
