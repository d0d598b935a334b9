#!/usr/bin/env python3
"""Measures blockseal beside its peers with fio; called by scripts/bench.

Rows (--rows takes a comma-separated list, or part of a name):
  randread-1 randread-32 randwrite-1 randwrite-32   4 KiB at that depth, in thousands of requests a second
  seqread-16 seqwrite-16                            256 KiB at depth 16, in MiB a second

Servers (--peers chooses among the last three):
  blockseal     AES-256-XTS, 4096-byte units, a key per range
  nbdkit-file   no encryption: what serving alone costs
  nbdkit-luks   nbdkit's luks filter (LUKS1, AES-256-XTS, 512-byte units)
  qemu-luks     qemu-nbd's luks driver (the same kind of image)

"Ratio" is blockseal's median divided by the peer's: over 1.00 blockseal is faster.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROWS = {
    "randread-1": ("randread", "4k", 1),
    "randread-32": ("randread", "4k", 32),
    "randwrite-1": ("randwrite", "4k", 1),
    "randwrite-32": ("randwrite", "4k", 32),
    "seqread-16": ("read", "256k", 16),
    "seqwrite-16": ("write", "256k", 16),
}
PEERS = ("nbdkit-file", "nbdkit-luks", "qemu-luks")
EXPORT = "demo"
MIB = 1 << 20


def run(*command, **options):
    """Runs a command to its end; its words are shown only if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}\n{done.stdout}{done.stderr}exit code {done.returncode}")
    return done.stdout


def run_again(*command):
    """Runs a command that may fail by chance: qemu-img times its key derivation and gives up on a busy machine."""
    for _ in range(9):
        if subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0:
            return
    run(*command)


class Server:
    """A server process with its unix socket, from the first connection that it answers until stop()."""

    def __init__(self, name, folder, command):
        self.name = name
        self.socket = folder / f"{name}.sock"
        self.log = open(folder / f"{name}.log", "wb")
        self.socket.unlink(missing_ok=True)
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [str(part).replace("SOCKET", str(self.socket)) for part in command],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        while True:
            try:
                read_first_block(self.socket)
                break
            except (OSError, EOFError):
                if self.process.poll() is not None or time.monotonic() > begin + 30:
                    self.stop()
                    sys.exit(f"bench: {name} does not serve:\n{pathlib.Path(self.log.name).read_text()}")
                time.sleep(0.005)
        self.start_seconds = time.monotonic() - begin

    def uri(self):
        return f"nbd+unix:///{EXPORT}?socket={self.socket}"

    def memory_mib(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def read_first_block(path):
    """Shakes hands by EXPORT_NAME and reads 4096 bytes: the first request that a client can get answered."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(path))
        receive(peer, 18)
        peer.sendall(struct.pack(">I", 3))
        peer.sendall(struct.pack(">8sII", b"IHAVEOPT", 1, len(EXPORT)) + EXPORT.encode())
        receive(peer, 10)
        peer.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, 4096))
        magic, error, _ = struct.unpack(">IIQ", receive(peer, 16))
        if magic != 0x67446698 or error:
            sys.exit(f"bench: the first read was answered by error {error}")
        receive(peer, 4096)
        peer.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 2, 2, 0, 0))


def receive(peer, length):
    data = b""
    while len(data) < length:
        piece = peer.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def fio(server, pattern, block, depth, size, *more):
    """One fio run; returns (requests a second, MiB a second, server CPU microseconds a request)."""
    # Into a file: the nbd engine prints remarks of its own between the braces.
    output = server.socket.with_suffix(".json")
    cpu = server.cpu_seconds()
    run("fio", "--name=row", "--ioengine=nbd", f"--uri={server.uri()}", f"--rw={pattern}", f"--bs={block}",
        f"--iodepth={depth}", f"--size={size}", "--output-format=json", f"--output={output}", *more)
    cpu = server.cpu_seconds() - cpu
    report = output.read_text()
    job = json.loads(report[report.index("{"):])["jobs"][0]["read" if "read" in pattern else "write"]
    return job["iops"], job["bw_bytes"] / MIB, cpu * 1e6 / max(1, job["total_ios"])


def blockseal_command(launcher, folder, name, size):
    image, key = folder / f"{name}.bsl", folder / f"{name}.key"
    run(launcher, "create", str(image), "--size", size, "--key-file", str(key))
    # The export's name is the file's base name; each volume lies in a folder of its own.
    return [launcher, "serve", image, "--key-file", key, "--unix", "SOCKET"]


def start_servers(names, launcher, folder, size):
    servers = []
    password = folder / "password"
    password.write_text("benchmark")
    secret = f"secret,id=s,file={password}"
    try:
        for name in names:
            image = folder / f"{name}.img"
            if name == "blockseal":
                command = blockseal_command(launcher, folder, EXPORT, size)
            elif name == "nbdkit-file":
                run("truncate", "-s", size, str(image))
                command = ["nbdkit", "-f", "-U", "SOCKET", "file", image]
            else:
                run_again("qemu-img", "create", "-q", "-f", "luks", "--object", secret,
                    "-o", "key-secret=s,iter-time=10", str(image), size)
                if name == "nbdkit-luks":
                    command = ["nbdkit", "-f", "-U", "SOCKET", "--filter=luks", "file", image,
                               f"passphrase=+{password}"]
                else:
                    command = ["qemu-nbd", "--persistent", "--shared=8", "-k", "SOCKET", "-x", EXPORT,
                               "--object", secret, "--image-opts",
                               f"driver=luks,key-secret=s,file.driver=file,file.filename={image}"]
            servers.append(Server(name, folder, command))
    except BaseException:
        stop_all(servers)
        raise
    return servers


def stop_all(servers):
    for server in servers:
        server.stop()


def measure(servers, rows, rounds, seconds, size):
    """{row: {server: [(requests/s, MiB/s, CPU us/request), one per round]}}"""
    results = {row: {server.name: [] for server in servers} for row in rows}
    for row in rows:
        for server in servers:
            turn(server, row, size, 1)
        for number in range(rounds):
            # Every second round goes backwards, so that nobody always follows the same neighbour.
            for server in servers if number % 2 == 0 else reversed(servers):
                if sys.stderr.isatty():
                    print(f"\r\033[K{row}, round {number + 1} of {rounds}, {server.name}", end="", file=sys.stderr)
                results[row][server.name].append(turn(server, row, size, seconds))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return results


def turn(server, row, size, seconds):
    return fio(server, *ROWS[row], size, "--time_based", f"--runtime={seconds}")


def measure_start(launcher, folder, rounds):
    """Start time and memory with a 1 TiB volume, sparse, with default settings."""
    inner = folder / "large"
    inner.mkdir()
    command = blockseal_command(launcher, inner, EXPORT, "1T")
    starts, memory = [], []
    for _ in range(rounds):
        server = Server("large", inner, command)
        try:
            starts.append(server.start_seconds)
            # Writes all over the volume: keys are made in many ranges.
            fio(server, "randwrite", "4k", 16, "1T", "--number_ios=2000", "--norandommap")
            memory.append(server.memory_mib("VmHWM"))
        finally:
            server.stop()
    return {"start_seconds": statistics.median(starts), "memory_mib_highest": max(memory)}


def median(samples, field):
    return statistics.median(sample[field] for sample in samples)


def print_table(results, names):
    peers = names[1:]
    print(f"{'':14}{'unit':>8}" + "".join(f"{name:>14}" for name in names)
          + "".join(f"{'/ ' + name:>14}" for name in peers))
    for row, by_server in results.items():
        field, unit, scale = (1, "MiB/s", 1) if row.startswith("seq") else (0, "k/s", 1000)
        values = {name: median(by_server[name], field) / scale for name in names}
        print(f"{row:14}{unit:>8}" + "".join(f"{values[name]:14.1f}" for name in names)
              + "".join(f"{values['blockseal'] / values[peer]:14.2f}" for peer in peers))
    print("\nCPU of the server, microseconds a request")
    for row, by_server in results.items():
        print(f"{row:14}{'us':>8}" + "".join(f"{median(by_server[name], 2):14.1f}" for name in names))


def parse():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each server has its turn (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="of each turn (default 4, after a first turn of 1 s that does not count)")
    parser.add_argument("--rows", default="", help="default: all")
    parser.add_argument("--peers", default=",".join(PEERS), help="default: all; none for blockseal alone")
    parser.add_argument("--size", default="512M", help="of each image (default 512M); all lie in memory")
    parser.add_argument("--json", type=pathlib.Path, help="write all samples there, too")
    parser.add_argument("--no-start", action="store_true", help="leave out start time and memory with 1 TiB")
    parser.add_argument("--launcher", default="scripts/blockseal", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    wanted = [part for part in arguments.rows.split(",") if part]
    arguments.rows = [row for row in ROWS if not wanted or any(part in row for part in wanted)]
    arguments.peers = [] if arguments.peers == "none" else arguments.peers.split(",")
    if not arguments.rows:
        parser.error(f"--rows: choose among {', '.join(ROWS)}")
    if unknown := set(arguments.peers) - set(PEERS):
        parser.error(f"--peers: {', '.join(unknown)} is not among {', '.join(PEERS)}")
    if arguments.rounds < 1 or arguments.seconds < 1:
        parser.error("--rounds and --seconds are 1 or more")
    return arguments


def main():
    arguments = parse()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blockseal-bench-", dir="/dev/shm"))
    names = ["blockseal", *arguments.peers]
    servers = []
    try:
        servers = start_servers(names, arguments.launcher, folder, arguments.size)
        for server in servers:
            # Every block is written once, so that reads read and writes overwrite.
            fio(server, "write", "1M", 4, arguments.size)
        results = measure(servers, arguments.rows, arguments.rounds, arguments.seconds, arguments.size)
        memory = {server.name: server.memory_mib() for server in servers}
        stop_all(servers)
        servers = []
        start = None if arguments.no_start else measure_start(arguments.launcher, folder, min(3, arguments.rounds))
    finally:
        stop_all(servers)
        shutil.rmtree(folder, ignore_errors=True)

    print(f"{os.cpu_count()} processors, {arguments.rounds} rounds of {arguments.seconds} s, medians; "
          f"ratio over 1.00: blockseal is faster\n")
    print_table(results, names)
    print("\nResident memory after these rows, MiB: "
          + ", ".join(f"{name} {mib:.0f}" for name, mib in memory.items()))
    if start:
        print(f"1 TiB volume, sparse, default settings: start to first answered read {start['start_seconds']:.2f} s, "
              f"resident memory at most {start['memory_mib_highest']:.0f} MiB")
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"rows": results, "memory_mib": memory, "start": start, "rounds": arguments.rounds,
             "seconds": arguments.seconds, "fields": ["requests/s", "MiB/s", "server CPU us/request"]}, indent=2))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
