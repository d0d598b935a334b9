"""The command line."""

import argparse
import pathlib
import re

from bench.rows import GROUPS, PEERS, choose

EPILOG = """\
rows, by the name of their group or their own (or a part of it: --rows seq takes all with "seq"):
{rows}

servers:
  blockseal     AES-256-XTS, 4096-byte units, a key per range
{peers}

examples:
  scripts/bench                             everything, half an hour
  scripts/bench --short                     the first table only, 3 minutes
  scripts/bench --rows randread-32,seqread-16 --rounds 9 --peers nbdkit-luks
  scripts/bench --rows direct --disk-folder /mnt/nvme/bench
  scripts/bench --rows none --soak-minutes 10
  scripts/bench --rows none --no-start --rotation
  scripts/bench --save                      everything, and docs/bench/DATE.md, .json and .svg

"Ratio" is how many times better blockseal is, so that over 1.00 is good in every row: requests or MiB a second of
blockseal by those of the other server; for latency and CPU time the other way round. docs/bench/README.md says more.
What this machine cannot run is left out, and the last lines say why; the
exit code is 1 only if something broke."""

SHORT_ROUNDS = 2
SHORT_SECONDS = 1.5


def epilog():
    rows = "\n".join(
        f"  {group.name:6} {group.title}\n" + wrapped([row.name for row in group.rows]) for group in GROUPS)
    return EPILOG.format(rows=rows, peers="\n".join(f"  {name:13} {what}" for name, what in PEERS.items()))


def wrapped(names, width=112):
    lines, line = [], "        "
    for name in names:
        if len(line) + len(name) > width:
            lines.append(line)
            line = "        "
        line += " " + name
    return "\n".join([*lines, line])


def size(words):
    """--size as bytes."""
    found = re.fullmatch(r"(\d+)([KMGT]?)", words)
    if not found or int(found[1]) == 0:
        raise ValueError(words)
    return int(found[1]) << (10 * " KMGT".index(found[2] or " "))


def parser():
    """All options; those that only scripts/bench gives are not shown."""
    made = argparse.ArgumentParser(
        prog="scripts/bench", epilog=epilog(),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=25, width=118),
        description="Measures blockseal beside nbdkit and qemu-nbd, all in one run: the servers take turns within each\n"
                    "round, so that a slow minute of the machine hits all of them. Tables go to stdout.")
    made.add_argument("--short", action="store_true",
                      help=f"the first table only, {SHORT_ROUNDS} rounds of {SHORT_SECONDS} s: 3 minutes")
    made.add_argument("--rounds", type=int,
                      help="how often each server has its turn (default 5 in the first table, 3 in the others)")
    made.add_argument("--seconds", type=float,
                      help="of each turn (default 3 in the first table, 2 in the others, after a first turn of 1 s that does not count)")
    made.add_argument("--rows", default="", help="default: all; none for nothing but --soak-minutes and the start")
    made.add_argument("--peers", default="", help="default: all; none for blockseal alone")
    made.add_argument("--size", default="512M", help="of each image (default 512M); there are up to 5, in memory or on disk")
    made.add_argument("--disk-folder", type=pathlib.Path, default=pathlib.Path("/var/tmp"),
                      help="where the images of the disk rows lie meanwhile (default /var/tmp)")
    made.add_argument("--no-start", action="store_true", help="leave out start time and memory with 1 TiB")
    made.add_argument("--rotation", action="store_true",
                      help="with --rows: also how soon guests are answered while DEKs are rotated, which is part of everything")
    made.add_argument("--soak-minutes", type=int, default=0, metavar="N",
                      help="also: blockseal's memory under a mixed load for N minutes (default 0; 10 tells something)")
    made.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all samples there, too")
    made.add_argument("--save", nargs="?", const="", metavar="NAME",
                      help="keep tables, samples and chart in docs/bench/NAME.md, .json and .svg (default: the date)")
    made.add_argument("--show", type=pathlib.Path, metavar="FILE",
                      help="measure nothing: the tables of a JSON file from before; with --save its chart, too")
    made.add_argument("--launcher", type=pathlib.Path, help=argparse.SUPPRESS)
    made.add_argument("--root", type=pathlib.Path, help=argparse.SUPPRESS)
    return made


def parse(words=None):
    """The options, checked; `groups`, rounds and seconds of goal and other rows, and `bytes` are made from them."""
    made = parser()
    options = made.parse_args(words)
    if options.rounds is not None and options.rounds < 1:
        made.error("--rounds is 1 or more")
    # Also refuses what is no number.
    if options.seconds is not None and not 0.5 <= options.seconds <= 3600:
        made.error("--seconds is 0.5 or more")
    if options.soak_minutes < 0:
        made.error("--soak-minutes is 0 or more")
    options.goal_rounds = options.rounds or (SHORT_ROUNDS if options.short else 5)
    options.other_rounds = options.rounds or (SHORT_ROUNDS if options.short else 3)
    options.goal_seconds = options.seconds or (SHORT_SECONDS if options.short else 3)
    options.other_seconds = options.seconds or (SHORT_SECONDS if options.short else 2)
    options.disk_folder = options.disk_folder.absolute()
    options.no_start = options.no_start or options.short
    options.rotation = options.rotation or not (options.rows or options.short)
    if options.save is not None and not re.fullmatch(r"[\w.-]*", options.save):
        made.error(f"--save {options.save}: a name without slashes, such as 2026-12-01 or before-the-change")

    peers = list(PEERS) if not options.peers else [] if options.peers == "none" else options.peers.split(",")
    if unknown := set(peers) - set(PEERS):
        made.error(f"--peers: {', '.join(sorted(unknown))} is not among {', '.join(PEERS)}")
    wanted = [word for word in options.rows.split(",") if word] or (["goal"] if options.short else [])
    try:
        options.groups = [] if wanted == ["none"] else choose(wanted, peers)
    except ValueError as word:
        made.error(f"--rows: there is no row {word}; --help lists them")
    try:
        options.bytes = size(options.size)
    except ValueError:
        made.error(f"--size {options.size}: such as 512M or 2G")
    return options
