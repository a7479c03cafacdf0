"""exporting_client.py URL STEP...: by one pycurl handle, requests as a program makes them that has an SDK of its own.

export    an OTLP export, as opentelemetry-cpp's exporter sends it: the agent among the headers
agent     the same by CURLOPT_USERAGENT, to a path of its own
protobuf  an exporter that does not say who it is
json      a POST to a path that an exporter could have too
own       a GET with a traceparent of the program's own
plain     a GET without
"""

import sys

import pycurl

TRACEPARENT = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PROTOBUF = "Content-Type: application/x-protobuf"
STEPS = {
    "export": ("/v1/traces", ["User-Agent: OTel-OTLP-Exporter-Cpp/1.16.1", PROTOBUF], None),
    "agent": ("/otlp", ["Content-Type: application/json"], "OTel-OTLP-Exporter-Rust/0.27.0"),
    "protobuf": ("/v1/metrics", [PROTOBUF], None),
    "json": ("/v1/logs", ["Content-Type: application/json"], "curl/7"),
    "own": ("/own", [TRACEPARENT], None),
    "plain": ("/plain", [], None),
}

url, *steps = sys.argv[1:]
multi = steps[0] == "multi"
for step in steps[multi:]:
    path, headers, agent = STEPS[step]
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url + path)
    handle.setopt(pycurl.HTTPHEADER, headers)
    handle.setopt(pycurl.WRITEFUNCTION, lambda data: len(data))
    if agent:
        handle.setopt(pycurl.USERAGENT, agent)
    if step not in ("own", "plain"):
        handle.setopt(pycurl.POSTFIELDS, b"{}")
    if multi:
        driver = pycurl.CurlMulti()
        driver.add_handle(handle)
        while driver.perform()[1]:
            driver.select(1.0)
        driver.info_read()
        driver.remove_handle(handle)
        driver.close()
    else:
        handle.perform()
    print(step, handle.getinfo(pycurl.RESPONSE_CODE))
    handle.close()
