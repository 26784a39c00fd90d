#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Adds up the test cases of meson's logs and of Node's test runner, and ends with one line.

    tools/tally.py testlog.json... e2e.log

Fails when something failed, and when nothing ran.
"""

import json
import re
import sys
from collections import Counter

DOCTEST = re.compile(r"^\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", re.M)
NODE = re.compile(r"^(?:#|\u2139) (pass|fail|cancelled|skipped|todo) (\d+)$", re.M)


def counted(passed=0, failed=0, skipped=0):
    return Counter(passed=int(passed), failed=int(failed), skipped=int(skipped))


def of_unittest(ran, remarks):
    """Python's runner counts what ran, and names only what is not a success."""
    named = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", remarks or "")}
    failed = named.get("failures", 0) + named.get("errors", 0)
    skipped = named.get("skipped", 0)
    return counted(int(ran) - failed - skipped, failed, skipped)


def of_program(log):
    """The cases of one test program; a program that counts nothing is one case itself."""
    output = log.get("stdout", "") + log.get("stderr", "")
    if log["result"] == "SKIP":
        return counted(skipped=1)
    cases = sum((counted(*found) for found in DOCTEST.findall(output)), Counter())
    for ran, remarks in UNITTEST.findall(output):
        cases += of_unittest(ran, remarks)
    succeeded = log["result"] == "OK"
    if not succeeded and not cases["failed"]:
        return cases + counted(failed=1)  # a crash, a leak, or too late
    return cases or counted(passed=1)


def of_meson(text):
    """One line of the log is one test program."""
    return sum((of_program(json.loads(line)) for line in text.splitlines() if line), Counter())


def of_node(text):
    """Node's closing lines; without them the runner did not get that far."""
    found = Counter()
    for what, count in NODE.findall(text):
        found[what] += int(count)
    if not found:
        return counted(failed=1)
    return counted(found["pass"], found["fail"] + found["cancelled"], found["skipped"] + found["todo"])


def main(*logs):
    *meson_logs, node_log = logs
    total = Counter()
    for meson_log in meson_logs:
        with open(meson_log, encoding="utf-8") as file:
            total += of_meson(file.read())
    with open(node_log, encoding="utf-8") as file:
        total += of_node(file.read())
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
