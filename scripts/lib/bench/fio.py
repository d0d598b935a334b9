"""One run of the load: fio's nbd engine, and what its report says."""

import json
import subprocess

from bench import processes
from bench.rows import GIB, MIB

# A turn that is so much over its time will not end by itself.
HANG_SECONDS = 60
FILL_SECONDS_MAX = 1800


class FioRun:
    """fio in the background, one connection for each of its jobs."""

    def __init__(self, server, options, seconds=None):
        # Into a file: the engine prints remarks of its own, which would mix with the report on one stream.
        self.output = server.folder / "fio.json"
        self.said = server.folder / "fio.log"
        self.server = server
        time = ["--time_based", f"--runtime={int(seconds * 1000)}ms"] if seconds else []
        certificates = server.address.certificates
        self.cpu = server.cpu_seconds()
        with open(self.said, "wb") as said:
            self.process = processes.start(
                ["fio", "--name=row", "--ioengine=nbd", f"--uri={server.address.uri()}", "--thread",
                 "--group_reporting", "--randrepeat=1", "--output-format=json", f"--output={self.output}",
                 *options, *time], said, certificates.client_environment() if certificates else None)

    def wait(self, timeout=None):
        """The sample of this run; raises subprocess.TimeoutExpired if it is still running after `timeout` seconds."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise
        except BaseException:
            self.kill()
            raise
        cpu = self.server.cpu_seconds() - self.cpu
        report = self.output.read_text(errors="replace") if self.output.exists() else ""
        if self.process.returncode != 0:
            said = self.said.read_text(errors="replace") + report.partition("{")[0]
            raise processes.CommandFailed(
                f"fio against {self.server.name}: {said}\nexit code {self.process.returncode}")
        try:
            return sample(report, cpu, self.server.memory_mib())
        except ValueError as error:
            raise processes.CommandFailed(f"fio against {self.server.name}: {error}") from error

    def wait_at_most(self, seconds):
        """As wait(), but a server that hangs is an error."""
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise processes.CommandFailed(f"{self.server.name} does not answer any more: {self.server.words()}") from error

    def kill(self):
        processes.end_group(self.process)


def options_of(row, size):
    """The load of a row in fio's words; `size` is that of the image, all of which is used."""
    options = [f"--rw={row.pattern}", f"--bs={row.block}", f"--iodepth={row.depth}", f"--size={size}",
               f"--numjobs={row.connections}"]
    if row.read_percent is not None:
        options.append(f"--rwmixread={row.read_percent}")
    if row.flush_each:
        options.append("--fsync=1")
    return options


def run(server, row, size, seconds):
    """The sample of one turn of `seconds`."""
    return FioRun(server, options_of(row, size), seconds).wait_at_most(seconds + HANG_SECONDS)


def fill(server, size):
    """Writes every block once, so that later reads read and later writes overwrite."""
    FioRun(server, ["--rw=write", "--bs=1M", "--iodepth=4", f"--size={size}", "--end_fsync=1"]).wait_at_most(FILL_SECONDS_MAX)


def parse(report):
    """fio's report as a dictionary, without the remarks that the nbd engine prints around it.

    They are whole lines, before the first brace as a rule; one that ends up between the braces is no JSON and goes, too.
    """
    lines = report.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith("{")), None)
    if begin is None:
        raise ValueError(f"no report in what fio printed: {report[:200]!r}")
    kept = []
    for line in lines[begin:]:
        if line.lstrip()[:1] in ("{", "}", "[", "]", '"') or is_number(line):
            kept.append(line)
        if line.startswith("}"):
            break
    return json.loads("\n".join(kept))


def is_number(line):
    """Whether the line is an element of one of the report's lists of numbers."""
    try:
        float(line.strip().rstrip(","))
    except ValueError:
        return False
    return True


def sample(report, cpu_seconds, memory_mib):
    """The figures of one run, by their names in rows.FIGURES and a few more."""
    job = parse(report)["jobs"][0]
    used = [job[direction] for direction in ("read", "write") if job[direction]["total_ios"]]
    if not used:
        raise ValueError("fio ended without a single request")
    requests = sum(each["total_ios"] for each in used)
    # Of a mixed load those of the reads: writes that a cache takes would hide what readers wait for.
    percentiles = used[0]["clat_ns"]["percentile"]
    # In percent of the time that its connections took together.
    client_seconds = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] / 1000
    return {
        "iops": sum(each["iops"] for each in used),
        "mib_per_second": sum(each["bw_bytes"] for each in used) / MIB,
        "p50_us": percentiles["50.000000"] / 1000,
        "p99_us": percentiles["99.000000"] / 1000,
        "p99_9_us": percentiles["99.900000"] / 1000,
        "cpu_seconds_per_gib": cpu_seconds * GIB / sum(each["io_bytes"] for each in used),
        "cpu_us_per_request": cpu_seconds * 1e6 / requests,
        "client_us_per_request": client_seconds * 1e6 / requests,
        "rss_mib": memory_mib,
    }
