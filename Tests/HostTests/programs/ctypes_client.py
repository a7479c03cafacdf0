"""ctypes_client.py URL LIBRARY...: one GET by each library, `-` for what the program has loaded. All handles are made first, and used
in the opposite order."""

import ctypes
import sys

URL, WRITEFUNCTION, USERAGENT, RESPONSE_CODE = 10002, 20011, 10018, 0x200002
base = sys.argv[1]


@ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
def show(data, size, count, _):
    print(ctypes.string_at(data, size * count).decode().strip())
    return size * count


clients = []
for number, name in enumerate(sys.argv[2:]):
    curl = ctypes.CDLL(None if name == "-" else name)
    curl.curl_easy_init.restype = ctypes.c_void_p
    curl.curl_version.restype = ctypes.c_char_p
    clients.append((curl, ctypes.c_void_p(curl.curl_easy_init()), f"{base}/{number}".encode()))
for curl, handle, url in clients:
    curl.curl_easy_setopt(handle, URL, url)
    curl.curl_easy_setopt(handle, USERAGENT, curl.curl_version())
    curl.curl_easy_setopt(handle, WRITEFUNCTION, show)
for curl, handle, _ in reversed(clients):
    code, status = curl.curl_easy_perform(handle), ctypes.c_long()
    curl.curl_easy_getinfo(handle, RESPONSE_CODE, ctypes.byref(status))
    print(code, status.value)
    curl.curl_easy_cleanup(handle)
