"""Where a server listens, and the first request to it: when it is answered, the server has started."""

import dataclasses
import pathlib
import socket
import struct

EXPORT = "demo"
LOOPBACK = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Address:
    """A unix socket, or else a port of the loopback interface."""

    path: pathlib.Path | None = None
    port: int = 0
    # With what its connections are protected: certificates.Certificates, or None.
    certificates: object = None

    def uri(self):
        if self.path:
            return f"nbd+unix:///{EXPORT}?socket={self.path}"
        return f"nbds://localhost:{self.port}/{EXPORT}" if self.certificates else f"nbd://{LOOPBACK}:{self.port}/{EXPORT}"

    def connect(self):
        peer = socket.socket(socket.AF_UNIX if self.path else socket.AF_INET)
        peer.settimeout(20)
        try:
            peer.connect(str(self.path) if self.path else (LOOPBACK, self.port))
        except BaseException:
            peer.close()
            raise
        return peer


def free_port():
    """A port on which nobody listens now."""
    with socket.socket(socket.AF_INET) as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def read_first_block(address):
    """Shakes hands by EXPORT_NAME and reads 4096 bytes; OSError or EOFError if it is not answered."""
    with begun(address) as peer:
        peer.sendall(struct.pack(">8sII", b"IHAVEOPT", 1, len(EXPORT)) + EXPORT.encode())
        receive(peer, 10)
        peer.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, 4096))
        magic, error, _ = struct.unpack(">IIQ", receive(peer, 16))
        if magic != 0x67446698 or error:
            raise ConnectionError(f"the first read was answered by error {error}")
        receive(peer, 4096)
        peer.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 2, 2, 0, 0))


def begun(address):
    """A socket on which options can be sent, protected if the address asks for it."""
    peer = address.connect()
    try:
        receive(peer, 18)
        peer.sendall(struct.pack(">I", 3))
        if not address.certificates:
            return peer
        peer.sendall(struct.pack(">8sII", b"IHAVEOPT", 5, 0))
        _, _, reply, length = struct.unpack(">QIII", receive(peer, 20))
        if reply != 1 or length:
            raise ConnectionError(f"STARTTLS was answered by {reply:#x}")
        return address.certificates.secure(peer)
    except BaseException:
        peer.close()
        raise


def receive(peer, length):
    data = b""
    while len(data) < length:
        piece = peer.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data
