"""Performs a request whose URL is in parts: python3 url_handle.py URL [OTHER]. OTHER is set as CURLOPT_URL as well, which libcurl then ignores."""

import ctypes
import sys

URL, CURLU, CURLUPART_URL = 10002, 10282, 0

curl = ctypes.CDLL("libcurl.so.4")
for function in (curl.curl_url, curl.curl_easy_init):
    function.restype = ctypes.c_void_p
parts, easy = ctypes.c_void_p(curl.curl_url()), ctypes.c_void_p(curl.curl_easy_init())
assert curl.curl_url_set(parts, CURLUPART_URL, ctypes.c_char_p(sys.argv[1].encode()), 0) == 0
assert curl.curl_easy_setopt(easy, CURLU, parts) == 0
if sys.argv[2:]:
    other = ctypes.c_char_p(sys.argv[2].encode())
    assert curl.curl_easy_setopt(easy, URL, other) == 0
code = curl.curl_easy_perform(easy)
curl.curl_easy_cleanup(easy)
curl.curl_url_cleanup(parts)
print(code)
