"""A certificate authority for one run, and the certificate with which every server shows itself."""

import ssl

from bench.address import LOOPBACK
from bench.processes import run

DAYS = 30
# The names that libnbd, nbdkit and qemu-nbd look for in a folder of certificates.
AUTHORITY = "ca-cert.pem"
CERTIFICATE = "server-cert.pem"
KEY = "server-key.pem"


class Certificates:
    """Files in `folder`, made when first asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = folder / AUTHORITY
        self.certificate = folder / CERTIFICATE
        self.key = folder / KEY

    def make(self):
        if self.certificate.exists():
            return
        self.folder.mkdir(exist_ok=True)
        authority_key = self.folder / "ca-key.pem"
        request = self.folder / "request.pem"
        names = self.folder / "names"
        names.write_text(f"subjectAltName=DNS:localhost,IP:{LOOPBACK}\n")
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        run("openssl", "req", "-x509", *new_key, "-days", DAYS, "-subj", "/CN=benchmark authority",
            "-keyout", authority_key, "-out", self.authority)
        run("openssl", "req", *new_key, "-subj", "/CN=localhost", "-keyout", self.key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial",
            "-days", DAYS, "-extfile", names, "-out", self.certificate)
        self.key.chmod(0o600)

    def client_environment(self):
        """Where libnbd finds whom to trust; as root it looks in /etc alone, and takes the server as it is."""
        trusted = self.folder / ".pki" / "libnbd"
        trusted.mkdir(parents=True, exist_ok=True)
        (trusted / AUTHORITY).write_bytes(self.authority.read_bytes())
        return {"HOME": str(self.folder)}

    def secure(self, peer):
        """The socket after a TLS 1.3 handshake as a client that checks the server's certificate."""
        context = ssl.create_default_context(cafile=self.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context.wrap_socket(peer, server_hostname="localhost")
