"""How far the benchmark is, on a terminal; in a pipe it keeps quiet."""

import shutil
import sys
import time


class Progress:
    """Counts down the seconds that the plan takes, corrected by how long the finished part of it took."""

    def __init__(self, planned_seconds, stream=sys.stderr):
        self.planned = planned_seconds
        self.done = 0.0
        self.begin = time.monotonic()
        self.stream = stream if stream.isatty() else None

    def say(self, words):
        """A line that stays."""
        if self.stream:
            print(f"\r\033[K{words}", file=self.stream, flush=True)

    def at(self, words):
        """What happens now."""
        if self.stream:
            # A line that wraps could not be taken back.
            line = f"{self._left()} left  {words}"[:shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{line}", end="", file=self.stream, flush=True)

    def finished(self, planned_seconds):
        self.done += planned_seconds

    def clear(self):
        if self.stream:
            print("\r\033[K", end="", file=self.stream, flush=True)

    def _left(self):
        passed = time.monotonic() - self.begin
        # The first turns say little about the rest.
        pace = passed / self.done if self.done > 30 else 1.0
        return minutes(max(0.0, self.planned - self.done) * pace)


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
