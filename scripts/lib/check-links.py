#!/usr/bin/env python3
"""Checks that links between the documents lead somewhere: the file exists, and so does the heading.

    check-links.py ROOT

Looks at the Markdown files under ROOT (not in target/ or demo/). Links to other hosts are not followed.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def anchor(heading):
    """The name under which a heading can be linked, as the usual renderers make it."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    broken = 0
    for path in sorted(root.rglob("*.md")):
        if {"target", "demo", ".git"} & set(path.relative_to(root).parts):
            continue
        for link in LINK.findall(FENCE.sub("", path.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, fragment = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            problem = None
            if not target.exists():
                problem = "no such file"
            elif fragment and target.suffix == ".md":
                if fragment not in {anchor(heading) for heading in HEADING.findall(target.read_text())}:
                    problem = "no such heading"
            if problem:
                broken += 1
                print(f"{path.relative_to(root)}: {link}: {problem}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
