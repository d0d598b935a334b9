"""What guests notice of DEKs being rotated under them: how soon they are answered, with and without, turn by turn."""

import json
import statistics
import time

from bench import fio, host, processes
from bench.address import Address
from bench.measure import fill_once, planned_turn
from bench.rows import Row
from bench.servers import Server

# The image has to last for a turn at the highest: 512 MiB do.
RATES_MIB = (25, 100)
LOADS = (
    Row("rotation-1", "1 at once", "randrw", "4k", 1, read_percent=70),
    Row("rotation-16", "16 at once", "randrw", "4k", 16, read_percent=70),
)
SECONDS = 3
WARM_UP_SECONDS = 2
# The command that begins a rotation is a virtual machine of its own; its end must not be what guests notice.
CALM_SECONDS = 0.3
END_SECONDS_MAX = 120
# A turn without a rotation and one with each rate, and what beginning and ending those takes.
PLANNED_ROUND_SECONDS = (1 + len(RATES_MIB)) * (planned_turn(SECONDS) + 1)


def planned_seconds(rounds):
    return len(LOADS) * (WARM_UP_SECONDS + rounds * PLANNED_ROUND_SECONDS) + 5


def measure(images, rounds, versions, progress):
    """{load: {"title", "idle": samples, "during": {rate: samples}, "ratio": {rate: p99 during by p99 idle, median}}}"""
    folder = images.folder_of("blockseal")
    control = folder / "control"
    address = Address(path=folder / "socket")
    command = [*images.command("blockseal", address, direct=False), "--control", control]
    server = Server("blockseal", folder, command, address)
    try:
        versions.update(host.versions_inside(server))
        fill_once(server, "blockseal", images)
        rotations = Rotations(images, control)
        # The first one is for the virtual machine, which has never rotated anything.
        rotations.await_end(rotations.begin(1000))
        return {row.name: load(row, server, images, rotations, rounds, progress) for row in LOADS}
    finally:
        server.stop()


def load(row, server, images, rotations, rounds, progress):
    fio.run(server, row, images.size, WARM_UP_SECONDS)
    found = {"title": row.title, "idle": [], "during": {str(rate): [] for rate in RATES_MIB}}
    for number in range(rounds):
        progress.at(f"rotation under guests: {row.title}, round {number + 1} of {rounds}")
        found["idle"].append(fio.run(server, row, images.size, SECONDS))
        for rate in RATES_MIB:
            job = rotations.begin(rate)
            time.sleep(CALM_SECONDS)
            found["during"][str(rate)].append(fio.run(server, row, images.size, SECONDS))
            rotations.end(job)
        progress.finished(PLANNED_ROUND_SECONDS)
    found["ratio"] = {
        str(rate): statistics.median(
            during["p99_us"] / idle["p99_us"] for during, idle in zip(found["during"][str(rate)], found["idle"]))
        for rate in RATES_MIB}
    return found


class Rotations:
    """Begins and ends rotations in the daemon, through its control socket."""

    def __init__(self, images, control):
        self.images = images
        self.control = control

    def begin(self, rate_mib):
        """The number of the job, which is all that the command prints."""
        image = self.images.image("blockseal")
        return processes.run(
            self.images.launcher, "rotate-dek", image, "--key-file", image.with_suffix(".key"), "--control", self.control,
            "--state-dir", image.parent / "state", "--all", "--rate", f"{rate_mib}MiB/s", "--detach").strip()

    def end(self, job):
        """Cancels it; a rotation that ended before its turn did would have been measured in part only."""
        state = self.state(job)
        if state != "running":
            raise processes.CommandFailed(f"rotation {job} was {state} before its turn ended; take a larger --size")
        processes.run(self.images.launcher, "job", "cancel", job, "--control", self.control)
        self.await_end(job)

    def state(self, job):
        return json.loads(processes.run(
            self.images.launcher, "job", "show", job, "--control", self.control, "--json"))["state"]

    def await_end(self, job):
        deadline = time.monotonic() + END_SECONDS_MAX
        while self.state(job) in ("queued", "running"):
            if time.monotonic() > deadline:
                raise processes.CommandFailed(f"rotation {job} does not end")
