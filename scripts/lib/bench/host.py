"""This machine: what it is, which programs it has, and what its filesystems and kernel can do."""

import ctypes
import errno
import mmap
import os
import pathlib
import platform
import subprocess
import time

IO_URING_SETUP = 425
QUIET_SECONDS = 2
# Places in the first line of /proc/stat: nothing to do (and waiting for a disk), taken by the hypervisor for others.
IDLE = (3, 4)
STOLEN = (7,)
MEMORY_FILESYSTEMS = ("tmpfs", "ramfs")


def first_line(*command):
    """The first line that a program prints, or what keeps it from printing one."""
    try:
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"not found ({error.strerror})"
    return (said.stdout or said.stderr).strip().partition("\n")[0]


def versions(root, launcher):
    """{program: version}; Java and the cipher are known once blockseal runs."""
    return {
        "blockseal": f"{first_line(launcher, '--version').removeprefix('blockseal ')} ({commit(root)})",
        "nbdkit": first_line("nbdkit", "--version").removeprefix("nbdkit "),
        "qemu-nbd": first_line("qemu-nbd", "--version").removeprefix("qemu-nbd ").partition(" ")[0],
        "fio": first_line("fio", "--version").removeprefix("fio-"),
        "libnbd": libnbd_version(),
        # In Debian, of all of these but blockseal.
        "GnuTLS": gnutls_version(),
    }


def versions_inside(server):
    """Java, the cipher engine and (if it has TLS) the library for that of a running blockseal, of which its log tells."""
    said = subprocess.run([server.program(), "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False).stderr.splitlines()
    log = server.words()
    tls = log.partition("tls: certificates by ")[2].partition("\n")[0].strip()
    return {"java": said[min(1, len(said) - 1)] if said else "unknown",
            "cipher": log.partition('engine="')[2].partition('"')[0],
            **({"tls": tls} if tls else {})}


def commit(root):
    def git(*words):
        return subprocess.run(["git", "-C", str(root), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False).stdout.strip()
    try:
        name = git("rev-parse", "--short=10", "HEAD")
        changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    except OSError:
        name = ""
    return f"commit {name}{changed}" if name else "commit unknown"


def libnbd_version():
    """Of the library that fio's nbd engine uses; Debian has no program of it on every machine that has fio."""
    try:
        library = ctypes.CDLL("libnbd.so.0")
    except OSError:
        return "not found"
    library.nbd_create.restype = ctypes.c_void_p
    library.nbd_get_version.restype = ctypes.c_char_p
    library.nbd_get_version.argtypes = library.nbd_close.argtypes = [ctypes.c_void_p]
    handle = library.nbd_create()
    try:
        return library.nbd_get_version(handle).decode()
    finally:
        library.nbd_close(handle)


def gnutls_version():
    """Of the library by which nbdkit, qemu-nbd and libnbd speak TLS."""
    try:
        library = ctypes.CDLL("libgnutls.so.30")
    except OSError:
        return "not found"
    library.gnutls_check_version.restype = ctypes.c_char_p
    return library.gnutls_check_version(None).decode()


def machine():
    """{fact: words} about processor, memory and kernel."""
    return {
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "busy_before_percent": round(busy_percent(), 1),
    }


def busy_percent():
    """How much of all processors is in use, over a moment in which we do nothing; the load would count our own build."""
    before = cpu_ticks(*IDLE)
    time.sleep(QUIET_SECONDS)
    return 100 - percent(before, cpu_ticks(*IDLE))


def processor():
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    model = facts.get("model name") or facts.get("Model")
    if not model:
        return f"{platform.machine()}, model unknown"
    # On a virtual machine the name is often the maker's alone.
    return f"{model} (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else model


def cpu_ticks(*kinds):
    """(ticks of these kinds, all ticks) since boot; the kinds are places in the line of /proc/stat."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks[kind] for kind in kinds), sum(ticks)


def percent(before, after):
    """Between two answers of cpu_ticks."""
    return 100 * (after[0] - before[0]) / max(1, after[1] - before[1])


def filesystem(folder):
    """(type, device) of the mount that holds a folder."""
    best = ("", "unknown", "unknown")
    real = os.path.realpath(folder)
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        device, where, kind = line.split()[:3]
        where = where.encode().decode("unicode_escape")
        if (real == where or real.startswith(where.rstrip("/") + "/")) and len(where) >= len(best[0]):
            best = (where, kind, device)
    return best[1], best[2]


def why_no_direct(folder):
    """Why O_DIRECT does not work in that folder; None if it does."""
    path = pathlib.Path(folder) / "direct"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
        try:
            with mmap.mmap(-1, 4096) as page:
                os.pwrite(descriptor, page, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"{filesystem(folder)[0]} has no O_DIRECT here ({error.strerror})"
    finally:
        path.unlink(missing_ok=True)
    return None


def why_no_io_uring():
    """Why the kernel gives us no io_uring; None if it does."""
    parameters = ctypes.create_string_buffer(120)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(ctypes.c_long(IO_URING_SETUP), ctypes.c_uint(1), parameters)
    if descriptor >= 0:
        os.close(descriptor)
        return None
    number = ctypes.get_errno()
    return f"no io_uring here (io_uring_setup: {errno.errorcode.get(number, number)})"


def free_bytes(folder):
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
