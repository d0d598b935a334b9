"""A server process, from its start to its end, and what it takes of the machine."""

import os
import pathlib
import signal
import subprocess
import time

from bench import processes
from bench.address import read_first_block


class Server:
    """A server that has answered its first request; stop() ends it.

    Raises processes.CommandFailed, with the server's own words, if it does not come to answer within 30 s.
    """

    def __init__(self, name, folder, command, address):
        self.name = name
        self.folder = folder
        self.address = address
        self.log = open(folder / "log", "wb")
        if address.path:
            address.path.unlink(missing_ok=True)
        begin = time.monotonic()
        try:
            self.process = processes.start(command, self.log)
        except OSError as error:
            self.log.close()
            raise processes.CommandFailed(f"{name} cannot be started: {error}") from error
        try:
            self._await_first_answer(begin + 30)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - begin

    def _await_first_answer(self, deadline):
        while True:
            try:
                return read_first_block(self.address)
            except (OSError, EOFError) as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise processes.CommandFailed(f"{self.name} does not serve ({error}): {self.words()}") from error
                time.sleep(0.005)

    def words(self):
        """What it has printed."""
        return pathlib.Path(self.log.name).read_text(errors="replace").strip()

    def program(self):
        """The file that the process runs: for blockseal the Java that its launcher has found."""
        return os.readlink(f"/proc/{self.process.pid}/exe")

    def memory_mib(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self):
        """Of all its threads, in user and kernel mode, since it started."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            processes.end_group(self.process)
        self.log.close()
