"""Ratios as an SVG chart: a bar for each peer, from the line at 1.0 to the right where blockseal is better."""

import math
from xml.sax.saxutils import escape

from bench.results import lines_of, rounds_of

WIDTH = 960
LABEL_WIDTH = 290
RIGHT = 70
BAR = 11
BAR_GAP = 3
ROW_GAP = 12
HEAD = 84
GROUP_HEAD = 44
FOOT = 80
AXIS = WIDTH - LABEL_WIDTH - RIGHT
TICKS = (0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32, 64)

# Colours that stay apart for colour-blind eyes, in a shade for each background.
COLOURS = {
    "nbdkit-file": ("#8a6d00", "#e3b341"),
    "nbdkit-luks": ("#0969da", "#58a6ff"),
    "qemu-luks": ("#8250df", "#bc8cff"),
    "qemu-raw": ("#bc4c00", "#f0883e"),
    "nbdkit-null": ("#57606a", "#8b949e"),
}


def style():
    light = "".join(f".{peer}{{fill:{colours[0]}}}" for peer, colours in COLOURS.items())
    dark = "".join(f".{peer}{{fill:{colours[1]}}}" for peer, colours in COLOURS.items())
    return (
        "text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}"
        ".title{font-size:17px;font-weight:600}.group{font-size:14px;font-weight:600}.small,.value{font-size:11px}"
        ".value,.tick{text-anchor:start}.tick{text-anchor:middle}.small{fill:#57606a}"
        ".page{fill:#ffffff}.grid{stroke:#d0d7de}.one{stroke:#1f2328;stroke-width:2}.spread{stroke:#1f2328}"
        f"{light}"
        "@media(prefers-color-scheme:dark){"
        "text{fill:#e6edf3}.small{fill:#9198a1}.page{fill:#0d1117}.grid{stroke:#30363d}"
        f".one{{stroke:#e6edf3}}.spread{{stroke:#e6edf3}}{dark}}}")


class Scale:
    """A logarithmic axis: half as fast is as far to the left as twice as fast to the right."""

    def __init__(self, ratios):
        known = [ratio for ratio in ratios if ratio > 0 and math.isfinite(ratio)] or [1.0]
        self.low = max((tick for tick in TICKS if tick <= min(known)), default=TICKS[0])
        self.high = min((tick for tick in TICKS if tick >= max(known)), default=TICKS[-1])
        self.low, self.high = min(self.low, 0.5), max(self.high, 2)

    def x(self, ratio):
        inside = min(max(ratio, self.low), self.high)
        return LABEL_WIDTH + AXIS * math.log(inside / self.low) / math.log(self.high / self.low)

    def ticks(self):
        """The labelled ones: as many as have room."""
        kept = [1]
        for tick in TICKS:
            if self.low <= tick <= self.high and all(abs(self.x(tick) - self.x(other)) > 34 for other in kept):
                kept.append(tick)
        return sorted(kept)


def svg(run, results, title):
    """The chart of some groups of a run."""
    groups = [(result, [line for line in lines_of(result) if line.figure.charted and line.ratios])
              for result in results]
    groups = [(result, lines) for result, lines in groups if lines]
    scale = Scale([value for _, lines in groups for line in lines for ratio in line.ratios.values()
                   for value in (ratio.low, ratio.high)])
    body, y = [], HEAD
    for result, lines in groups:
        y = draw_group(body, result, lines, scale, y)
    height = y + FOOT
    peers = [peer for peer in COLOURS if any(peer in line.ratios for _, lines in groups for line in lines)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{style()}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        words(20, 28, title, "title"),
        *legend(peers),
        *body,
        *foot(run, y),
        "</svg>", ""])


def draw_group(body, result, lines, scale, y):
    """Appends one group; returns where the next one begins."""
    body.append(words(20, y + 20, result.group.title, "group"))
    top = y + GROUP_HEAD
    y = top
    bars = []
    for line in lines:
        height = len(line.ratios) * (BAR + BAR_GAP) - BAR_GAP
        label = line.words if not line.words.startswith(" ") else f"{line.row.title}:"
        bars.append(words(20, y + height / 2 + (4 if label == line.words else -3), label))
        if label != line.words:
            bars.append(words(32, y + height / 2 + 12, line.words.strip(), "small"))
        for number, (peer, ratio) in enumerate(line.ratios.items()):
            bars += draw_bar(scale, y + number * (BAR + BAR_GAP), peer, ratio)
        y += height + ROW_GAP
    for tick in scale.ticks():
        body.append(f'<line class="grid" x1="{scale.x(tick):.1f}" x2="{scale.x(tick):.1f}" y1="{top - 6}" y2="{y}"/>')
        body.append(words(scale.x(tick), top - 10, f"{tick:g}", "small tick"))
    body += bars
    body.append(f'<line class="one" x1="{scale.x(1):.1f}" x2="{scale.x(1):.1f}" y1="{top - 6}" y2="{y}"/>')
    return y + 8


def draw_bar(scale, y, peer, ratio):
    """From 1.0 to the median, a thin line from the lowest to the highest round, and the median in figures."""
    if not math.isfinite(ratio.median):
        return []
    begin, end = sorted((scale.x(1), scale.x(ratio.median)))
    low, high = scale.x(ratio.low), scale.x(ratio.high)
    middle = y + BAR / 2
    return [
        f'<rect class="{peer}" x="{begin:.1f}" y="{y}" width="{max(end - begin, 1):.1f}" height="{BAR}"/>',
        f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>',
        words(max(end, high, scale.x(1)) + 5, y + BAR - 1, f"{ratio.median:.2f}", "value"),
    ]


def legend(peers):
    parts, x = [], 20
    for peer in peers:
        parts.append(f'<rect class="{peer}" x="{x}" y="44" width="12" height="12"/>')
        parts.append(words(x + 18, 55, f"against {peer}"))
        x += 40 + 7.5 * len(f"against {peer}")
    parts.append(words(20, 76, "Right of the line at 1: blockseal is faster, answers sooner or takes less CPU time. "
                               "Bar: median; thin line: lowest to highest round.", "small"))
    return parts


def foot(run, y):
    machine = run.machine
    return [
        words(20, y + 20, f"{run.date}; {machine['processor']}, {machine['processors']} processors, {machine['kernel']}", "small"),
        words(20, y + 36, rounds_of(run.settings).capitalize(), "small"),
        words(20, y + 52, run.programs(), "small"),
        words(20, y + 68, run.inside(), "small"),
    ]


def words(x, y, content, kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(content)}</text>'
