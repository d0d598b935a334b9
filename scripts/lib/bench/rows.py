"""What is measured: the rows of the tables, in groups that share their servers, and the figures that a row shows."""

import dataclasses

GIB = 1 << 30
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Figure:
    """One kind of number that a run of the load yields, and how people read it."""

    name: str
    unit: str
    scale: float = 1.0
    more_is_better: bool = True
    # The words of its line below the row; the first figure of a row stands in the row's own line.
    words: str = ""
    charted: bool = True

    def ratio(self, ours, theirs):
        """How many times better `ours` is: over 1 blockseal is faster, or answers sooner, or takes less."""
        better, worse = (ours, theirs) if self.more_is_better else (theirs, ours)
        return better / worse if worse else float("nan")


FIGURES = {
    figure.name: figure
    for figure in (
        Figure("iops", "k/s", scale=1000),
        Figure("mib_per_second", "MiB/s"),
        Figure("p99_us", "us", more_is_better=False, words="99 % answered within (p99)"),
        Figure("cpu_seconds_per_gib", "s/GiB", more_is_better=False, words="CPU time of the server"),
        Figure("cpu_us_per_request", "us/req", more_is_better=False, words="CPU time of the server", charted=False),
        Figure("client_us_per_request", "us/req", more_is_better=False, words="CPU time of the client", charted=False),
    )
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One load: `depth` requests of `block` bytes in flight on each of so many connections."""

    name: str
    title: str
    pattern: str
    block: str
    depth: int
    connections: int = 1
    read_percent: int | None = None
    flush_each: bool = False
    figures: tuple[str, ...] = ("iops",)


@dataclasses.dataclass(frozen=True)
class Group:
    """Rows that are measured with the same servers, started once for all of them."""

    name: str
    title: str
    note: str
    peers: tuple[str, ...]
    rows: tuple[Row, ...]
    disk: bool = False
    tcp: bool = False
    # Over TCP, each connection protected by TLS 1.3 with a certificate of the server.
    tls: bool = False
    direct: bool = False
    # Volumes that nobody writes to: reads find no storage below them.
    empty: bool = False


PEERS = {
    "nbdkit-file": "no encryption: what serving a file costs",
    "nbdkit-luks": "nbdkit's luks filter over the same (LUKS1, AES-256-XTS, 512-byte units)",
    "qemu-luks": "qemu-nbd's luks driver (the same kind of image)",
    "qemu-raw": "qemu-nbd, no encryption",
    "nbdkit-null": "nbdkit's null plugin: zeros from nowhere",
}
ENCRYPTED_AND_PLAIN = ("nbdkit-file", "nbdkit-luks", "qemu-luks")

READ_4K = "4 KiB random reads"
WRITE_4K = "4 KiB random writes"
READ_256K = "256 KiB reads in order, 16 at once"
WRITE_256K = "256 KiB writes in order, 16 at once"
CPU_4K = "cpu_us_per_request"
# With many small requests at once it may be the client that has no more time.
CPU_BOTH = (CPU_4K, "client_us_per_request")
SEQUENTIAL = ("mib_per_second", "cpu_seconds_per_gib")


def with_prefix(prefix, *rows):
    return tuple(dataclasses.replace(row, name=f"{prefix}-{row.name}") for row in rows)


RANDREAD_1 = Row("randread-1", f"{READ_4K}, 1 at once", "randread", "4k", 1, figures=("iops", CPU_4K))
RANDREAD_32 = Row("randread-32", f"{READ_4K}, 32 at once", "randread", "4k", 32, figures=("iops", "p99_us", *CPU_BOTH))
RANDWRITE_1 = Row("randwrite-1", f"{WRITE_4K}, 1 at once", "randwrite", "4k", 1, figures=("iops", CPU_4K))
RANDWRITE_32 = Row("randwrite-32", f"{WRITE_4K}, 32 at once", "randwrite", "4k", 32, figures=("iops", "p99_us", *CPU_BOTH))
SEQREAD_16 = Row("seqread-16", READ_256K, "read", "256k", 16, figures=SEQUENTIAL)
SEQWRITE_16 = Row("seqwrite-16", WRITE_256K, "write", "256k", 16, figures=SEQUENTIAL)
MIXED_4X32 = Row("mixed-4x32", "4 KiB, 70 % reads, 4 x 32 at once", "randrw", "4k", 32, connections=4, read_percent=70,
                 figures=("iops", *CPU_BOTH))
FLUSH_1 = Row("flush-1", f"{WRITE_4K}, each flushed", "randwrite", "4k", 1, flush_each=True)


def brief(row):
    """The row without what it costs: where the disk or the network is what is measured."""
    return dataclasses.replace(row, figures=row.figures[:1])


def connections(count):
    return Row(f"conn-{count}", f"{count} connection{'s' if count > 1 else ''}, 32 at once on each",
               "randread", "4k", 32, connections=count, figures=("iops", "p99_us"))


GROUPS = (
    Group(
        "goal", "In memory, over a unix socket",
        "Images on tmpfs: no disk slows anybody down, what is left is the server.",
        ENCRYPTED_AND_PLAIN,
        (RANDREAD_1, RANDREAD_32, RANDWRITE_1, RANDWRITE_32, SEQREAD_16, SEQWRITE_16, MIXED_4X32)),
    Group(
        "conn", "Connections, in memory, over a unix socket",
        "4 KiB random reads. Every connection brings its own 32 requests, as clients do: 64 of them have 2048 in flight.",
        ENCRYPTED_AND_PLAIN,
        tuple(connections(count) for count in (1, 2, 8, 64))),
    Group(
        "tcp", "In memory, over loopback TCP",
        "The servers and images of the first table. Plain TCP, without TLS.",
        ENCRYPTED_AND_PLAIN,
        with_prefix("tcp", *map(brief, (RANDREAD_32, RANDWRITE_32, SEQREAD_16, SEQWRITE_16))), tcp=True),
    Group(
        "tls", "In memory, over loopback TCP with TLS 1.3",
        "The same, each connection protected by TLS with an ECDSA certificate of the server. The client deciphers, too.",
        ENCRYPTED_AND_PLAIN,
        with_prefix("tls", RANDREAD_1, RANDREAD_32, RANDWRITE_32, SEQREAD_16, SEQWRITE_16, MIXED_4X32), tls=True),
    Group(
        "null", "The frame alone, in memory, over a unix socket",
        "A blockseal volume that was never written: zeros without storage or cipher. Beside it nbdkit's null plugin.",
        ("nbdkit-null",),
        with_prefix("null", RANDREAD_1, RANDREAD_32, SEQREAD_16), empty=True),
    Group(
        "direct", "On disk, past the page cache (O_DIRECT)",
        "blockseal --direct; qemu-nbd with cache=none and io_uring. nbdkit has no O_DIRECT: its cache=none asks the kernel to\n"
        "drop pages after use, and a write may still be in memory when it is answered. nbdkit-luks is not here: it passes on\n"
        "512 bytes at a time, each of which then waits for the disk (a hundredth of the others), which says nothing.",
        ("nbdkit-file", "qemu-raw", "qemu-luks"),
        with_prefix("direct", *map(brief, (
            RANDREAD_1, RANDREAD_32, RANDWRITE_1, RANDWRITE_32, SEQREAD_16, SEQWRITE_16))),
        disk=True, direct=True),
    Group(
        "disk", "On disk, through the page cache",
        "Images fit into memory, as a working set often does: reads hit the cache, writes reach the disk at a flush.",
        ENCRYPTED_AND_PLAIN,
        with_prefix("disk", *map(brief, (RANDREAD_32, RANDWRITE_32, SEQREAD_16, SEQWRITE_16, FLUSH_1))),
        disk=True),
)


def choose(wanted, peers):
    """The groups with those rows and peers; a word names a group, or a row, or is part of the names of rows.

    Raises ValueError with the word that names nothing.
    """
    chosen = {row.name for group in GROUPS for row in group.rows} if not wanted else set()
    for word in wanted:
        names = {row.name for group in GROUPS for row in group.rows if word in (group.name, row.name)}
        names = names or {row.name for group in GROUPS for row in group.rows if word in row.name}
        if not names:
            raise ValueError(word)
        chosen |= names
    groups = (
        dataclasses.replace(
            group,
            rows=tuple(row for row in group.rows if row.name in chosen),
            peers=tuple(peer for peer in group.peers if peer in peers))
        for group in GROUPS)
    return [group for group in groups if group.rows]
