"""What a server of Amazon's does with a request that is signed over a list of headers.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""

import hashlib
import hmac
import re

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION, SERVICE = "us-east-1", "execute-api"
# What clients and proxies add on the way, and no signature covers.
UNSIGNED = {"host", "user-agent", "accept", "accept-encoding", "authorization", "content-length", "content-type", "connection"}


class Refused(Exception):
    pass


def verify(request, strict=False):
    """Raises Refused unless the signature is right; with `strict`, also when a header is not covered by it."""
    values = request.values("authorization")
    if len(values) != 1:
        raise Refused(f"{len(values)} Authorization headers")
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^, ]+)", values[0]))
    names = fields["SignedHeaders"].split(";")
    if strict and (others := {name.lower() for name, _ in request.headers} - UNSIGNED - set(names)):
        raise Refused(f"headers that are not signed: {sorted(others)}")
    key = f"AWS4{SECRET_KEY}".encode()
    access_key, *scope = fields["Credential"].split("/")
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    path, _, query = request.target.partition("?")
    dates = request.values("x-amz-date")
    for host in {request.values("host")[0], request.values("host")[0].partition(":")[0]}:  # curl before 8 signs it without its port.
        lines = [f"{name}:{host if name == 'host' else ','.join(' '.join(value.split()) for value in request.values(name))}\n" for name in names]
        parts = [request.method, path, "&".join(sorted(query.split("&"))), "".join(lines), ";".join(names), hashlib.sha256(request.body).hexdigest()]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", *dates, "/".join(scope), digest])
        if access_key == ACCESS_KEY and hmac.digest(key, text.encode(), "sha256").hex() == fields["Signature"]:
            return
    raise Refused("the signature does not match")
