"""Programs that the benchmark runs to their end or keeps running; none outlives it."""

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def stop(words):
    """Ends the benchmark with an error that it can do nothing about."""
    sys.exit(f"bench: {words}")


def apart():
    """In the child: a Ctrl-C at the terminal is ours to turn into an orderly end, and our death is also its own."""
    os.setsid()
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(command, output, environment=None):
    """A program in the background; `environment` is added to ours."""
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                            stderr=subprocess.STDOUT, preexec_fn=apart, env={**os.environ, **(environment or {})})


def run(*command):
    """Runs a command to its end; its words are shown only if it fails."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", preexec_fn=apart)
    try:
        said = process.communicate()[0]
    except BaseException:
        end_group(process)
        raise
    if process.returncode != 0:
        raise CommandFailed(f"{' '.join(words)}\n{said}exit code {process.returncode}")
    return said


def run_again(*command):
    """Runs a command that may fail by chance: qemu-img times its key derivation and gives up on a busy machine."""
    for _ in range(9):
        try:
            return run(*command)
        except CommandFailed:
            pass
    return run(*command)


def end_group(process):
    """Kills a process and all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class CommandFailed(Exception):
    """A command ended with an error; the message is the command, its words and its exit code."""
