#!/usr/bin/env python3
"""Adds up test reports and says what did not run, and why.

    test-summary.py [--checks FILE] LABEL=FOLDER...

Reads the JUnit XML reports (TEST-*.xml) in each FOLDER, and FILE, in which each line is a check that is no JUnit test:
NAME <tab> passed|failed|skipped <tab> WHY. A FOLDER may be repeated under one LABEL. The last line printed is
"N passed, N failed, N skipped". Exit code 0 if something passed and nothing failed, 1 otherwise.
"""

import argparse
import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

Case = collections.namedtuple("Case", "name verdict why")


def first_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[0] if lines else ""


def cases_of_report(path):
    """The test cases of one XML report; a report that cannot be read is itself a failure."""
    try:
        suite = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        yield Case(path.name, "failed", f"the report is not whole ({error}): did the test machine crash?")
        return
    for case in suite.iter("testcase"):
        name = f"{case.get('classname', suite.get('name', '?'))}.{case.get('name') or '(class)'}"
        for tag, verdict in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
            element = case.find(tag)
            if element is not None:
                why = first_line(element.get("message")) or first_line(element.text) or "no reason given"
                why = why.removeprefix("org.opentest4j.TestAbortedException: ").removeprefix("Assumption failed: ")
                yield Case(name, verdict, why)
                break
        else:
            yield Case(name, "passed", "")


def cases_of_checks(path):
    for line in path.read_text().splitlines():
        name, verdict, why = (line.split("\t") + ["", ""])[:3]
        yield Case(name, verdict, why)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=pathlib.Path)
    parser.add_argument("reports", nargs="*", metavar="LABEL=FOLDER")
    arguments = parser.parse_args()

    groups = collections.OrderedDict()
    for item in arguments.reports:
        label, _, folder = item.partition("=")
        cases = groups.setdefault(label, [])
        for report in sorted(pathlib.Path(folder).glob("TEST-*.xml")):
            cases.extend(cases_of_report(report))
    if arguments.checks and arguments.checks.exists():
        groups["checks"] = list(cases_of_checks(arguments.checks))

    total = collections.Counter()
    print(f"{'':24}{'passed':>8}{'failed':>8}{'skipped':>8}")
    for label, cases in groups.items():
        count = collections.Counter(case.verdict for case in cases)
        total += count
        if cases:
            print(f"{label:24}{count['passed']:8}{count['failed']:8}{count['skipped']:8}")
        else:
            print(f"{label:24}{'none ran':>24}")

    for verdict, heading in (("skipped", "Skipped, and why:"), ("failed", "Failed:")):
        rows = [(label, case) for label, cases in groups.items() for case in cases if case.verdict == verdict]
        if rows:
            print(f"\n{heading}")
        by_reason = collections.OrderedDict()
        for label, case in rows:
            by_reason.setdefault((label, case.why), []).append(case.name)
        for (label, why), names in by_reason.items():
            print(f"  [{label}] {names[0]}: {why}")
            for name in names[1:]:
                print(f"  [{label}] {name}: the same")

    print(f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
