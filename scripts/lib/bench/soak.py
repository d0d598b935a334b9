"""Memory over time: a mixed load on blockseal for minutes, its resident memory sampled every few seconds."""

import statistics
import subprocess
import time

from bench import host
from bench.address import Address
from bench.fio import FioRun
from bench.measure import fill_once
from bench.servers import Server

SAMPLE_SECONDS = 5
# Connections come and go: a leak at either end of a connection shows as well as one in a request.
CONNECTION_SECONDS = 20
LOAD = ("--rw=randrw", "--rwmixread=70", "--bssplit=4k/60:64k/30:256k/10", "--iodepth=16", "--numjobs=4")


def measure(images, minutes, versions, progress):
    """Serves the image in `images` under load for so many minutes; the figures of trend()."""
    folder = images.folder_of("blockseal")
    address = Address(path=folder / "socket")
    server = Server("blockseal", folder, images.command("blockseal", address, direct=False), address)
    load = None
    try:
        versions.update(host.versions_inside(server))
        fill_once(server, "blockseal", images)
        points = []
        begin = time.monotonic()
        end = begin + minutes * 60
        while (now := time.monotonic()) < end:
            if load is None:
                load = FioRun(server, [*LOAD, f"--size={images.size}"], min(CONNECTION_SECONDS, max(1, int(end - now))))
            progress.at(f"memory under a mixed load, minute {int((now - begin) / 60) + 1} of {minutes}")
            try:
                load.wait(max(0.1, begin + (len(points) + 1) * SAMPLE_SECONDS - now))
                load = None
            except subprocess.TimeoutExpired:
                points.append((time.monotonic() - begin, server.memory_mib()))
                progress.finished(SAMPLE_SECONDS)
        return trend(points, minutes)
    finally:
        if load:
            load.kill()
        server.stop()


def trend(points, minutes):
    """Medians of the first and the last minute, and the slope in MiB an hour.

    The slope is the line of least squares through what follows the first minute, in which a virtual machine grows to its
    working size; through everything if there is no more than that.
    """
    last = points[-1][0]
    settled = [point for point in points if point[0] >= 60] if minutes > 1 else points
    return {
        "minutes": minutes,
        "first_minute_mib": statistics.median(mib for seconds, mib in points if seconds < 60),
        "last_minute_mib": statistics.median(mib for seconds, mib in points if seconds >= last - 60),
        "slope_mib_per_hour": slope(settled) * 3600,
        "points": points,
    }


def slope(points):
    """MiB a second."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*points)).slope
