"""The tables, as text of at most 140 columns."""

import statistics

from bench.results import counted, lines_of, rounds_of
from bench.rows import PEERS

TITLE_WIDTH = 35
UNIT_WIDTH = 7
NUMBER_WIDTH = 6


def text(run):
    """All of a run."""
    parts = [head(run)]
    parts += [table(result) for result in run.results]
    if tail := figures_beside(run):
        parts.append(tail)
    if run.left_out:
        parts.append("Left out:\n" + "\n".join(f"  {indented(words)}" for words in run.left_out))
    return "\n\n".join(parts) + "\n"


def head(run):
    """Where and with what it was measured."""
    machine = run.machine
    peers = [peer for peer in PEERS if any(peer in result.servers for result in run.results)]
    lines = [
        f"Benchmark of {run.date}",
        f"  {machine['processor']}, {machine['processors']} processors, {machine['memory_gib']} GiB, {machine['kernel']}",
        f"  {run.programs()}",
        f"  {run.inside()}",
        "  images of " + run.settings.size + " each: " + ", ".join(
            f"{place} on {where}" for place, where in run.filesystems.items()),
        f"  {before(machine)}; taken by the hypervisor for others {run.stolen_percent:.1f} %",
        "",
        f"{rounds_of(run.settings).capitalize()}. All servers take their turn in each round.",
        "Of each figure: lowest, median, highest round (min, med, max). Ratio: how many times better blockseal is than that",
        "server, each round by itself. Over 1.00 blockseal is faster, answers sooner or takes less CPU time.",
        "",
        "  blockseal     AES-256-XTS, 4096-byte units, a key per range",
        *(f"  {peer:13} {PEERS[peer]}" for peer in peers),
    ]
    return "\n".join(lines)


def before(machine):
    """How quiet it was. The load of earlier runs counted the build just before them."""
    if "busy_before_percent" not in machine:
        return f"load before the run, with the build, {machine['load_before']}"
    busy = machine["busy_before_percent"]
    return f"{busy:.0f} % of the processors in use before the run" + (" (something else was running)" if busy > 10 else "")


def table(result):
    """A group: its figures, and the ratios below them."""
    lines = lines_of(result)
    peers = result.servers[1:]
    parts = [
        f"{result.group.title}\n{result.group.note}",
        block("", "", result.servers, [(line.words, line.figure.unit, line.values) for line in lines], number),
    ]
    if peers:
        parts.append(block("ratio of blockseal to", "", peers, [(line.words, "", line.ratios) for line in lines], ratio))
    parts.append("Resident memory afterwards, MiB: "
                 + ", ".join(f"{name} {mib:.0f}" for name, mib in result.memory_mib.items()))
    return "\n\n".join(parts)


def block(heading, unit, servers, rows, shown):
    """A table with three numbers for each server."""
    cell = 3 * NUMBER_WIDTH + 2
    lines = [f"{heading:{TITLE_WIDTH}}{unit:>{UNIT_WIDTH}}" + "".join(f"{server:>{cell}}" for server in servers)]
    lines.append(" " * (TITLE_WIDTH + UNIT_WIDTH) + ("  " + "".join(
        f"{word:>{NUMBER_WIDTH}}" for word in ("min", "med", "max"))) * len(servers))
    for words, unit_of_row, spreads in rows:
        lines.append(f"{words:{TITLE_WIDTH}}{unit_of_row:>{UNIT_WIDTH}}" + "".join(
            "  " + "".join(f"{shown(value):>{NUMBER_WIDTH}}" for value in
                           (spreads[server].low, spreads[server].median, spreads[server].high))
            for server in servers))
    return "\n".join(line.rstrip() for line in lines)


def number(value):
    """Three digits or more, in at most six columns."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value):
    """Two decimals, as long as a tenth more or less means something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def figures_beside(run):
    """What no table has: start, and memory over time."""
    parts = []
    if run.start:
        parts.append(f"Volume of 1 TiB, sparse, default settings: start to first answered read "
                     f"{run.start['start_seconds_median']:.2f} s, resident memory at most "
                     f"{run.start['memory_mib_highest']:.0f} MiB")
    if run.rotation:
        parts.append(rotation(run.rotation))
    if run.soak:
        parts.append(f"Mixed load for {counted(run.soak['minutes'], 'minute')} (4 connections, 70 % reads, 4 to 256 KiB, "
                     f"reconnecting): resident memory, median of the\nfirst minute {run.soak['first_minute_mib']:.0f} MiB, "
                     f"of the last {run.soak['last_minute_mib']:.0f} MiB, slope"
                     f"{' after the first' if run.soak['minutes'] > 1 else ''} "
                     f"{run.soak['slope_mib_per_hour']:+.1f} MiB an hour")
    return "\n".join(parts)


def rotation(loads):
    """A line for each load and rate."""
    lines = ["Guests while DEKs are rotated, 4 KiB, 70 % reads, in memory: 99 % of reads answered within, us (median of rounds),",
             "and how many times longer that is than without a rotation (median of the rounds' ratios):"]
    for found in loads.values():
        idle = median_p99(found["idle"])
        lines.append(f"  {found['title']:12} without {idle:6.0f}   " + "   ".join(
            f"at {rate} MiB/s {median_p99(samples):6.0f}  x {found['ratio'][rate]:.2f}"
            for rate, samples in found["during"].items()))
    return "\n".join(lines)


def median_p99(samples):
    return statistics.median(sample["p99_us"] for sample in samples)


def indented(words):
    return words.replace("\n", "\n    ")


def markdown(run, charts):
    """A page with the charts, by their file names, and the tables."""
    images = "\n\n".join(f"![{title}]({name})" for name, title in charts)
    return f"# Benchmark of {run.date}\n\n[How to read and repeat this](README.md)\n\n{images}\n\n```text\n{text(run)}```\n"
