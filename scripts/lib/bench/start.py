"""How long blockseal takes from nothing to the first answered read, and what memory a large volume takes."""

import statistics

from bench import host
from bench.address import Address
from bench.fio import FioRun
from bench.images import Images
from bench.servers import Server

SIZE = "1T"
PLANNED_SECONDS = 10


def measure(folder, launcher, rounds, versions, progress):
    """Start time and memory with a 1 TiB volume, sparse, with default settings."""
    inner = folder / "large"
    inner.mkdir()
    images = Images(inner, SIZE, launcher)
    address = Address(path=images.folder_of("blockseal") / "socket")
    command = images.command("blockseal", address, direct=False)
    starts, memory = [], []
    for number in range(rounds):
        progress.at(f"start with a volume of 1 TiB, round {number + 1} of {rounds}")
        server = Server("blockseal", images.folder_of("blockseal"), command, address)
        try:
            versions.update(host.versions_inside(server))
            starts.append(server.start_seconds)
            # Writes all over the volume: keys are made in many ranges.
            FioRun(server, ["--rw=randwrite", "--bs=4k", "--iodepth=16", f"--size={SIZE}", "--number_ios=2000",
                            "--norandommap"]).wait_at_most(120)
            memory.append(server.memory_mib("VmHWM"))
        finally:
            server.stop()
        progress.finished(PLANNED_SECONDS / rounds)
    return {"start_seconds": starts, "start_seconds_median": statistics.median(starts),
            "memory_mib_highest": max(memory)}
