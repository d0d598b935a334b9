"""The image of each server on one filesystem, and the command line that serves it."""

import contextlib
import os

from bench.address import Address, EXPORT, LOOPBACK, free_port
from bench.certificates import Certificates
from bench.processes import CommandFailed, run, run_again

# 64 connections, and one to see that it has started.
CONNECTIONS_MAX = 80

# How much of an image is allocated before it is the next one's turn.
STEP_BYTES = 2 << 20


class Images:
    """Images of one size in one folder, each in a folder of its own, made when first asked for."""

    def __init__(self, folder, size, launcher):
        self.folder = folder
        self.size = size
        self.launcher = launcher
        self.filled = set()
        self.password = folder / "password"
        self.password.write_text("benchmark")
        self.secret = f"secret,id=s,file={self.password}"
        self.certificates = Certificates(folder / "pki")

    def folder_of(self, name):
        inner = self.folder / name
        inner.mkdir(exist_ok=True)
        return inner

    def address(self, group, folder):
        """Where a server of that group listens; `folder` is its own."""
        if group.tls:
            self.certificates.make()
            return Address(port=free_port(), certificates=self.certificates)
        return Address(port=free_port()) if group.tcp else Address(path=folder / "socket")

    def image(self, name):
        """The path of the image, or None for a server that needs none."""
        if name == "nbdkit-null":
            return None
        path = self.folder_of(name) / ("demo.bsl" if name.startswith("blockseal") else "demo.img")
        if not path.exists():
            self._make(name, path)
        return path

    def allocate_in_turn(self, names):
        """Gives the images of those servers their blocks, each a few at a time.

        An image in memory that is written after others gets memory in larger pieces, which made the last of six a
        quarter faster to read than the first, whoever served it.
        """
        paths = []
        for name in names:
            # Who starts the server meets the same trouble, and says what is left out.
            with contextlib.suppress(CommandFailed):
                if path := self.image(name):
                    paths.append(path)
        with contextlib.ExitStack() as files:
            opened = [files.enter_context(open(path, "r+b")) for path in paths]
            sizes = [os.fstat(file.fileno()).st_size for file in opened]
            for offset in range(0, max(sizes, default=0), STEP_BYTES):
                for file, size in zip(opened, sizes):
                    if offset < size:
                        self._allocate(file, offset, min(STEP_BYTES, size - offset))

    @staticmethod
    def _allocate(file, offset, count):
        try:
            os.posix_fallocate(file.fileno(), offset, count)
        except OSError as error:
            raise CommandFailed(f"{file.name} gets no room: {error}") from error

    def _make(self, name, path):
        if name.startswith("blockseal"):
            run(self.launcher, "create", path, "--size", self.size, "--key-file", path.with_suffix(".key"))
        elif name.endswith("-luks"):
            run_again("qemu-img", "create", "-q", "-f", "luks", "--object", self.secret,
                      "-o", "key-secret=s,iter-time=10", path, self.size)
        else:
            run("truncate", "-s", self.size, path)

    def command(self, name, address, direct):
        """What serves that image at that address; `direct` is past the page cache, as far as the server can."""
        image = self.image(name)
        pki = address.certificates
        program = name.split("-")[0]
        if program == "blockseal":
            return [self.launcher, "serve", image, "--name", EXPORT, "--key-file", image.with_suffix(".key"),
                    "--state-dir", image.parent / "state",
                    *(("--unix", address.path) if address.path else ("--listen", f"{LOOPBACK}:{address.port}")),
                    *(("--tls-mode", "required", "--tls-certificate", pki.certificate, "--tls-key", pki.key) if pki else ()),
                    *(["--direct"] if direct else [])]
        if program == "nbdkit":
            where = ["-U", address.path] if address.path else ["-i", LOOPBACK, "-p", address.port]
            where += ["--tls=require", f"--tls-certificates={pki.folder}"] if pki else []
            if image is None:
                return ["nbdkit", "-f", *where, "null", f"size={self.size}"]
            luks = ["--filter=luks"] if name == "nbdkit-luks" else []
            return ["nbdkit", "-f", *where, *luks, "file", image, *(["cache=none"] if direct else []),
                    *([f"passphrase=+{self.password}"] if luks else [])]
        where = ["-k", address.path] if address.path else ["-b", LOOPBACK, "-p", address.port]
        where += ["--object", f"tls-creds-x509,id=tls,endpoint=server,verify-peer=off,dir={pki.folder}",
                  "--tls-creds", "tls"] if pki else []
        common = ["qemu-nbd", "--persistent", f"--shared={CONNECTIONS_MAX}", *where, "-x", EXPORT]
        if name == "qemu-raw":
            return [*common, "-f", "raw", *(["--cache=none", "--aio=io_uring"] if direct else []), image]
        past_cache = ",file.cache.direct=on,file.aio=io_uring" if direct else ""
        return [*common, "--object", self.secret, "--image-opts",
                f"driver=luks,key-secret=s,file.driver=file,file.filename={image}{past_cache}"]
