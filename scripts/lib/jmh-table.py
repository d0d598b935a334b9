#!/usr/bin/env python3
"""Prints JMH's results as a table; called by scripts/jmh with the file that JMH wrote."""

import json
import sys

MIB = 1 << 20


def number(value):
    """Three digits that count, however large; NaN is what JMH says of a single measurement's error."""
    if value != value:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def row(result):
    metric = result["primaryMetric"]
    score = metric["score"]
    params = result.get("params", {})
    garbage = result["secondaryMetrics"].get("gc.alloc.rate.norm")
    # Less than this is the JVM's own, such as what the compiler and the profiler leave.
    rate = "-" if garbage is None else number(garbage["score"] if garbage["score"] >= 0.005 else 0)
    speed = ""
    if "bytes" in params and metric["scoreUnit"] == "ns/op":
        speed = number(int(params["bytes"]) / score * 1e9 / MIB)
    return (
        ".".join(result["benchmark"].split(".")[-2:]),
        " ".join(f"{name}={value}" for name, value in params.items()),
        number(score),
        number(float(metric["scoreError"])),
        metric["scoreUnit"],
        rate,
        speed,
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    print(f"Java {results[0]['jdkVersion']}, forks {results[0]['forks']}, "
          f"{results[0]['measurementIterations']} times {results[0]['measurementTime']}\n")
    rows = [("benchmark", "", "time", "+-", "unit", "B/op", "MiB/s"), *map(row, results)]
    widths = [max(len(line[column]) for line in rows) for column in range(7)]
    for line in rows:
        # Names to the left, figures to the right.
        cells = [cell.ljust(width) if column in (0, 1, 4) else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    main()
