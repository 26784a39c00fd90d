#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Writes all of socoro into one header.

    tools/amalgamate.py > socoro.hpp

Every header of socoro stands where it is first included, and every other include where it stood.
One translation unit of the program defines SOCORO_IMPLEMENTATION first: that compiles Boost.JSON,
as <socoro/src.hpp> does; without it the program links libboost_json.
"""

import re
import sys
from pathlib import Path

INCLUDE = Path(__file__).resolve().parents[1] / "include"
OURS = re.compile(r"#\s*include\s*<(socoro[./][^>]*)>")
DROPPED = re.compile(r"#pragma once|// SPDX-License-Identifier")
ANY_INCLUDE = re.compile(r"#\s*include\b")
CONDITIONAL = re.compile(r"#\s*(if|ifdef|ifndef|endif)\b")
OPENING = """\
// SPDX-License-Identifier: BSL-1.0
// socoro {version} in one header, written by tools/amalgamate.py. Define SOCORO_IMPLEMENTATION in
// exactly one translation unit before it is included, or link libboost_json.
#pragma once
"""
IMPLEMENTATION = """

#if defined(SOCORO_IMPLEMENTATION){body}
#endif
"""


class Amalgamation:
    def __init__(self, include, seen=()):
        self.include = include
        self.text = []
        self.seen = set(seen)

    def add(self, name):
        """Appends a header behind all the headers of socoro that it includes."""
        if name in self.seen:
            return
        self.seen.add(name)
        lines = (self.include / name).read_text().splitlines()
        self.text += ["", f"// {name}", *self.own_lines(name, lines)]

    def own_lines(self, name, lines):
        depth = 0
        kept = []
        for line in lines:
            if conditional := CONDITIONAL.match(line):
                depth += -1 if conditional[1] == "endif" else 1
            if ours := OURS.match(line):
                if depth:
                    raise SystemExit(f"{name} includes {ours[1]} under a condition")
                self.add(ours[1])
            elif not DROPPED.match(line) and (depth or not self.is_noise(line)):
                kept.append(line)
        return [line for line, above in zip(kept, ["", *kept]) if line or above]

    def is_noise(self, line):
        """An include that every reader of the file has passed by now."""
        if not ANY_INCLUDE.match(line):
            return False
        known = line in self.seen
        self.seen.add(line)
        return known


def version_of(include):
    config = (include / "socoro/base/config.hpp").read_text()
    return ".".join(re.findall(r"#define SOCORO_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", config))


def amalgamate(include=INCLUDE):
    """The text of the one header."""
    everything = Amalgamation(include)
    everything.add("socoro.hpp")
    implementation = Amalgamation(include, everything.seen)
    implementation.add("socoro/src.hpp")
    return (
        OPENING.format(version=version_of(include))
        + "\n".join(everything.text)
        + IMPLEMENTATION.format(body="\n".join(implementation.text))
    )


if __name__ == "__main__":
    sys.stdout.write(amalgamate())
