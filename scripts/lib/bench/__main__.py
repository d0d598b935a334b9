"""The benchmark from its options to its files. scripts/bench calls it: PYTHONPATH=scripts/lib python3 -m bench."""

import contextlib
import datetime
import pathlib
import shutil
import signal
import string
import sys
import tempfile

from bench import chart, host, options, processes, record, report, rotation, soak, start
from bench.images import Images
from bench.measure import Measuring, Settings
from bench.progress import Progress, minutes

MEMORY_FOLDER = "/dev/shm"
# Beside the images: metadata of blockseal, sockets, reports.
ROOM_BESIDE = 256 << 20


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants an end; the argument is the signal's number."""


def interrupt(number, _frame):
    """Ends what is running; from here on nobody interrupts the cleaning up."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


def main():
    chosen = options.parse()
    if chosen.show:
        try:
            run = record.from_json(chosen.show.read_text())
        except (OSError, ValueError) as error:
            processes.stop(f"{chosen.show}: {error}")
    else:
        for number in SIGNALS:
            signal.signal(number, interrupt)
        try:
            run = measure(chosen)
        except Interrupted as signalled:
            sys.exit(128 + signalled.args[0])
    print(report.text(run), end="")
    if chosen.json:
        chosen.json.write_text(run.to_json())
    # A page of half a run would be taken for a whole one; --json and then --show --save make one all the same.
    if chosen.save is not None and "interrupted" not in run.broken:
        folder = chosen.root / "docs" / "bench"
        save(run, folder, chosen.save or unused_name(folder, run.date[:10]))
    if run.broken:
        processes.stop(f"broken: {', '.join(run.broken)}; see \"Left out\"")


def measure(chosen):
    """Measures what is chosen, and leaves neither servers nor files behind, however it ends."""
    memory_folder, disk_folder = None, None
    try:
        memory_folder = pathlib.Path(tempfile.mkdtemp(prefix="blockseal-bench-", dir=MEMORY_FOLDER))
        if any(group.disk for group in chosen.groups):
            chosen.disk_folder.mkdir(parents=True, exist_ok=True)
            disk_folder = pathlib.Path(tempfile.mkdtemp(prefix="blockseal-bench-", dir=chosen.disk_folder))
        return measure_in(chosen, memory_folder, disk_folder)
    except OSError as error:
        processes.stop(error)
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for folder in (memory_folder, disk_folder):
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


def measure_in(chosen, memory_folder, disk_folder):
    settings = Settings(chosen.size, chosen.goal_rounds, chosen.goal_seconds,
                        chosen.other_rounds, chosen.other_seconds)
    planned = sum(settings.planned_seconds(group) for group in chosen.groups) + chosen.soak_minutes * 60
    planned += 0 if chosen.no_start else start.PLANNED_SECONDS
    planned += rotation.planned_seconds(chosen.other_rounds) if chosen.rotation else 0
    progress = Progress(planned)
    progress.say(f"About {minutes(planned)} minutes.")
    ticks = host.cpu_ticks(*host.STOLEN)
    run = record.Run(
        date=f"{datetime.datetime.now():%Y-%m-%d %H:%M}", machine=host.machine(),
        versions=host.versions(chosen.root, chosen.launcher), filesystems={"memory": host.filesystem(memory_folder)[0]},
        settings=settings, results=[], left_out=[])
    measuring = Measuring(settings, run.versions, progress)
    run.left_out = measuring.left_out
    if disk_folder:
        run.filesystems["disk"] = " of ".join(host.filesystem(disk_folder))

    images = {False: Images(memory_folder, chosen.size, chosen.launcher)}
    if disk_folder:
        images[True] = Images(disk_folder, chosen.size, chosen.launcher)
    try:
        measure_all(chosen, run, measuring, images, progress)
    except Interrupted as signalled:
        if not run.results:
            raise
        measuring.leave_out("the rest", f"interrupted by {signal.Signals(signalled.args[0]).name}")
        run.broken.append("interrupted")
    progress.clear()
    run.stolen_percent = host.percent(ticks, host.cpu_ticks(*host.STOLEN))
    return run


def measure_all(chosen, run, measuring, images, progress):
    """Adds to `run` what is chosen, piece by piece."""
    for group in chosen.groups:
        folder = images[group.disk].folder
        if why := why_not(group, folder, chosen.bytes, images[group.disk]):
            measuring.leave_out(f"\"{group.title}\"", why)
            continue
        with spared(run, measuring, f"\"{group.title}\""):
            run.results.append(measuring.group(group, images[group.disk], unable(group)))
    if chosen.rotation:
        with spared(run, measuring, "guests while DEKs are rotated"):
            run.rotation = rotation.measure(images[False], chosen.other_rounds, run.versions, progress)
    if chosen.soak_minutes:
        with spared(run, measuring, "memory over time"):
            run.soak = soak.measure(images[False], chosen.soak_minutes, run.versions, progress)
    if not chosen.no_start:
        with spared(run, measuring, "start with a volume of 1 TiB"):
            run.start = start.measure(
                images[False].folder, chosen.launcher, min(3, chosen.goal_rounds), run.versions, progress)


@contextlib.contextmanager
def spared(run, measuring, what):
    """What breaks inside does not take with it what was measured already, nor what is still to come."""
    try:
        yield
    except processes.CommandFailed as failed:
        measuring.leave_out(what, str(failed))
        run.broken.append(what)


def why_not(group, folder, image_bytes, images):
    """Why a group cannot be measured here; None if it can."""
    if group.disk and host.filesystem(folder)[0] in host.MEMORY_FILESYSTEMS:
        return f"{folder.parent} is in memory; name a folder on a disk: --disk-folder"
    if group.direct and (why := host.why_no_direct(folder)):
        return why
    missing = sum(name not in images.filled for name in ("blockseal", *group.peers))
    needed = missing * image_bytes + ROOM_BESIDE
    if not group.empty and host.free_bytes(folder) < needed:
        return (f"{folder.parent} has {host.free_bytes(folder) >> 20} MiB free, {needed >> 20} MiB are needed; "
                "choose a smaller --size" + (" or another --disk-folder" if group.disk else ""))
    return None


def unable(group):
    """{server: why it cannot run here}"""
    if group.direct and (why := host.why_no_io_uring()):
        return {name: why for name in group.peers if name.startswith("qemu")}
    return {}


def unused_name(folder, date):
    """The date, or the date and a letter: a page of the same day stays."""
    names = [date, *(f"{date}-{letter}" for letter in string.ascii_lowercase[1:])]
    return next((name for name in names if not (folder / f"{name}.md").exists()), names[-1])


def save(run, folder, name):
    """The page, the samples and the charts of a run; prints where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = []
    first = [result for result in run.results if result.group.name == "goal"]
    others = [result for result in run.results if result.group.name != "goal"]
    for results, suffix, title in (
            (first, "", "blockseal beside nbdkit and qemu-nbd: how many times better"),
            (others, "-more", "blockseal beside nbdkit and qemu-nbd: connections, TCP, TLS, disks")):
        if any(len(result.servers) > 1 for result in results):
            charts.append((f"{name}{suffix}.svg", title))
            (folder / f"{name}{suffix}.svg").write_text(chart.svg(run, results, title))
    (folder / f"{name}.json").write_text(run.to_json())
    (folder / f"{name}.md").write_text(report.markdown(run, charts))
    print(f"\nSaved: {folder / name}.md, .json" + "".join(f", {chart_name}" for chart_name, _ in charts))


if __name__ == "__main__":
    main()
