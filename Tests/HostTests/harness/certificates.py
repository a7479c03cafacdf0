"""A certificate authority of our own, made with openssl(1)."""

import ssl
import subprocess


class Authority:
    """Certificates in `folder`. Each is a pair of paths: certificate, key."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        folder.mkdir(exist_ok=True)
        self.certificate, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
        self._openssl("req", "-x509", "-days", "2", *self._new_key(self._key), "-subj", f"/CN={name}", *extensions, "-out", self.certificate)

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    @staticmethod
    def _new_key(path):
        # Elliptic curves: an RSA key takes a second on a busy machine.
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def issue(self, name, address="IP:127.0.0.1", days=2):
        certificate, key, request = (self.folder / f"{name}.{suffix}" for suffix in ("pem", "key", "csr"))
        self._openssl("req", *self._new_key(key), "-subj", f"/CN={name}", "-addext", f"subjectAltName={address}", "-out", request)
        signer = ["-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"]
        self._openssl("x509", "-req", "-in", request, "-days", days, "-copy_extensions", "copy", *signer, "-out", certificate)
        return certificate, key


def server_context(pair, clients=None):
    """- clients: the Authority that clients have to be certified by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.certificate)
    return context
