"""Turns and rounds: the servers of a group are started together and take turns under each row's load."""

import dataclasses
import os

from bench import fio, host, processes
from bench.rows import Row
from bench.servers import Server

# What a turn takes beyond its load (fio's start and end), and a server beyond its turns (making and filling the image).
TURN_OVERHEAD_SECONDS = 0.4
SERVER_OVERHEAD_SECONDS = 3
# After a start every server is first busy for a while with a bit of everything (with reads alone where nothing may be
# written), and then shortly with each row before its rounds: a virtual machine compiles what it finds busy.
SETTLE_SECONDS = 3
WARM_UP_SECONDS = 1
PLANNED_SERVER_SECONDS = SETTLE_SECONDS + SERVER_OVERHEAD_SECONDS
SETTLING = Row("settling", "", "randrw", "4k", 8, read_percent=50)
SETTLING_EMPTY = dataclasses.replace(SETTLING, pattern="randread", read_percent=None)


def planned_turn(seconds):
    return seconds + TURN_OVERHEAD_SECONDS


@dataclasses.dataclass(frozen=True)
class Settings:
    """How much is measured."""

    size: str
    # Of the goal rows, and of all others.
    goal_rounds: int
    goal_seconds: float
    other_rounds: int
    other_seconds: float

    def rounds(self, group):
        return self.goal_rounds if group.name == "goal" else self.other_rounds

    def seconds(self, group):
        """Of one turn."""
        return self.goal_seconds if group.name == "goal" else self.other_seconds

    def planned_seconds(self, group):
        """What the group should take; the base of the remaining time that a terminal shows."""
        turns = self.rounds(group) * planned_turn(self.seconds(group)) + planned_turn(WARM_UP_SECONDS)
        return (1 + len(group.peers)) * (len(group.rows) * turns + PLANNED_SERVER_SECONDS)


@dataclasses.dataclass
class GroupResult:
    """What came out of a group."""

    group: object
    servers: list[str]
    # {row name: {server name: [sample of each round]}}
    samples: dict[str, dict[str, list[dict]]]
    # {server name: MiB of resident memory after all rows}
    memory_mib: dict[str, float]


class Measuring:
    """Measures groups on the images of the two filesystems.

    `left_out` collects what could not run, and why; `versions` is completed by what a running blockseal knows.
    """

    def __init__(self, settings, versions, progress):
        self.settings = settings
        self.versions = versions
        self.progress = progress
        self.left_out = []

    def leave_out(self, what, why):
        self.left_out.append(f"{what}: {why}")
        self.progress.say(f"left out: {what}: {why}")

    def group(self, group, images, unable):
        """The result of one group; `unable` is {server name: why it cannot run here}."""
        servers = []
        names = ("blockseal", *group.peers)
        if not group.empty:
            images.allocate_in_turn(name for name in names if name not in unable)
        try:
            for name in names:
                if name in unable:
                    self.leave_out(f"{name} in \"{group.title}\"", unable[name])
                    continue
                self.progress.at(f"{group.title}: starting {name}")
                try:
                    servers.append(self._start(name, group, images))
                except processes.CommandFailed as failed:
                    if name == "blockseal":
                        raise
                    self.leave_out(f"{name} in \"{group.title}\"", str(failed))
                self.progress.finished(PLANNED_SERVER_SECONDS)
            result = self._rows(group, servers, images)
        finally:
            stop_all(servers)
        return result

    def _start(self, name, group, images):
        image = f"{name}-empty" if group.empty and name == "blockseal" else name
        folder = images.folder_of(image)
        address = images.address(group, folder)
        server = Server(name, folder, images.command(image, address, group.direct), address)
        try:
            if not group.empty:
                fill_once(server, image, images)
            if name == "blockseal":
                self.versions.update(host.versions_inside(server))
            fio.run(server, SETTLING_EMPTY if group.empty else SETTLING, images.size, SETTLE_SECONDS)
        except BaseException:
            server.stop()
            raise
        return server

    def _rows(self, group, servers, images):
        names = [server.name for server in servers]
        result = GroupResult(group, names, {row.name: {name: [] for name in names} for row in group.rows}, {})
        rounds = self.settings.rounds(group)
        for row in group.rows:
            for server in servers:
                self.progress.at(f"{group.title}: {row.title}, warming up {server.name}")
                self._turn(row, server, images, WARM_UP_SECONDS)
            for number in range(rounds):
                # Every second round goes backwards, so that nobody always follows the same neighbour.
                for server in servers if number % 2 == 0 else reversed(servers):
                    self.progress.at(f"{group.title}: {row.title}, round {number + 1} of {rounds}, {server.name}")
                    result.samples[row.name][server.name].append(
                        self._turn(row, server, images, self.settings.seconds(group)))
        for server in servers:
            result.memory_mib[server.name] = server.memory_mib()
        return result

    def _turn(self, row, server, images, seconds):
        sample = fio.run(server, row, images.size, seconds)
        # What one server has left in the page cache must not reach the disk in the turn of the next.
        if row.pattern not in ("read", "randread"):
            flush(images.image(server.name))
        self.progress.finished(planned_turn(seconds))
        return sample


def fill_once(server, image, images):
    """Writes all of an image, unless that was done before."""
    if image not in images.filled:
        fio.fill(server, images.size)
        images.filled.add(image)


def flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def stop_all(servers):
    for server in servers:
        server.stop()

