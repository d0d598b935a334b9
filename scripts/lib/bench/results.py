"""From samples to what the tables show: lowest, median and highest of the rounds, as figures and as ratios."""

import dataclasses
import math
import statistics

from bench.rows import FIGURES


@dataclasses.dataclass(frozen=True)
class Spread:
    """The lowest, middle and highest of the rounds."""

    low: float
    median: float
    high: float


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a table: one figure of one row, for each server and as blockseal's ratio to each peer."""

    row: object
    figure: object
    words: str
    values: dict[str, Spread]
    ratios: dict[str, Spread]


def spread(values):
    return Spread(min(values), statistics.median(values), max(values))


def ratios(figure, ours, theirs):
    """Of each round by itself: what slows a whole round down is in both and falls out."""
    pairs = [figure.ratio(our[figure.name], their[figure.name]) for our, their in zip(ours, theirs)]
    return spread([pair for pair in pairs if not math.isnan(pair)] or [math.nan])


def lines_of(result):
    """The lines of a group, in its order."""
    lines = []
    for row in result.group.rows:
        by_server = result.samples[row.name]
        for number, name in enumerate(row.figures):
            if any(name not in sample for samples in by_server.values() for sample in samples):
                continue  # A run from before that was measured.
            figure = FIGURES[name]
            lines.append(Line(
                row, figure, row.title if number == 0 else "  " + figure.words,
                {server: spread([sample[name] / figure.scale for sample in samples])
                 for server, samples in by_server.items()},
                {server: ratios(figure, by_server["blockseal"], samples)
                 for server, samples in by_server.items() if server != "blockseal"}))
    return lines


def rounds_of(settings):
    """How much was measured, in words."""
    goal = f"{counted(settings.goal_rounds, 'round')}, turns of {settings.goal_seconds:g} s"
    other = f"{counted(settings.other_rounds, 'round')}, turns of {settings.other_seconds:g} s"
    return goal if goal == other else f"first table: {goal}; others: {other}"


def counted(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"
