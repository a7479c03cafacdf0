"""ctypes_multi.py URL LIBRARY: two transfers at once by the multi interface of a library that is not linked with."""

import ctypes
import sys

URL, NOBODY = 10002, 44
curl = ctypes.CDLL(sys.argv[2])
curl.curl_easy_init.restype = curl.curl_multi_init.restype = curl.curl_multi_info_read.restype = ctypes.c_void_p
multi = ctypes.c_void_p(curl.curl_multi_init())
handles = [ctypes.c_void_p(curl.curl_easy_init()) for _ in range(2)]
for number, handle in enumerate(handles):
    curl.curl_easy_setopt(handle, URL, f"{sys.argv[1]}/{number}".encode())
    curl.curl_easy_setopt(handle, NOBODY, ctypes.c_long(1))
    print(curl.curl_multi_add_handle(multi, handle))
running = ctypes.c_int(1)
while running.value:
    curl.curl_multi_perform(multi, ctypes.byref(running))
    curl.curl_multi_wait(multi, None, 0, 100, None)
left = ctypes.c_int()
while curl.curl_multi_info_read(multi, ctypes.byref(left)):
    print("done")
for handle in handles:
    print(curl.curl_multi_remove_handle(multi, handle))
    curl.curl_easy_cleanup(handle)
print(curl.curl_multi_cleanup(multi))
