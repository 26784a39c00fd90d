# SPDX-License-Identifier: BSL-1.0
"""The last line of tools/test counts every case, and never counts a failure as nothing."""

import io
import json
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import tally  # noqa: E402

DOCTEST = "[doctest] test cases:  7 |  5 passed | 2 failed | 1 skipped\n[doctest] assertions: 9\n"
NODE = "# tests 6\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 1\n"
NODE_GOOD = "\u2139 tests 3\n\u2139 pass 3\n\u2139 fail 0\n"


def result(*logs, node=NODE_GOOD):
    """The last line and the exit status for these lines of meson's log."""
    with tempfile.TemporaryDirectory() as directory:
        meson_log, node_log = Path(directory) / "meson", Path(directory) / "node"
        meson_log.write_text("".join(json.dumps(log) + "\n" for log in logs))
        node_log.write_text(node)
        with redirect_stdout(io.StringIO()) as output:
            status = tally.main(meson_log, node_log)
    return output.getvalue(), status


def ended(how, stdout="", stderr=""):
    return {"name": "a", "result": how, "stdout": stdout, "stderr": stderr}


class TheLastLine(unittest.TestCase):
    def test_adds_doctest_cases_and_those_of_node(self):
        self.assertEqual(result(ended("FAIL", DOCTEST)), ("8 passed, 2 failed, 1 skipped\n", 1))

    def test_counts_what_node_cancelled_as_failed(self):
        self.assertEqual(result(ended("OK"), node=NODE), ("4 passed, 2 failed, 1 skipped\n", 1))

    def test_counts_cases_of_python(self):
        text = "...\nRan 9 tests in 0.1s\n\nFAILED (failures=2, errors=1, skipped=1)\n"
        self.assertEqual(result(ended("FAIL", stderr=text))[0], "8 passed, 3 failed, 1 skipped\n")
        text = "...\nRan 9 tests in 0.1s\n\nOK\n"
        self.assertEqual(result(ended("OK", stderr=text)), ("12 passed, 0 failed\n", 0))

    def test_counts_a_program_without_cases_as_one(self):
        self.assertEqual(result(ended("OK"), ended("SKIP")), ("4 passed, 0 failed, 1 skipped\n", 0))
        self.assertEqual(result(ended("TIMEOUT")), ("3 passed, 1 failed\n", 1))

    def test_counts_a_program_that_died_after_its_cases_as_a_failure(self):
        leak = "[doctest] test cases: 2 | 2 passed | 0 failed | 0 skipped\n"
        self.assertEqual(result(ended("FAIL", leak)), ("5 passed, 1 failed\n", 1))

    def test_is_no_success_when_nothing_ran(self):
        self.assertEqual(result(node="# pass 0\n# fail 0\n"), ("0 passed, 0 failed\n", 1))

    def test_is_no_success_when_node_did_not_finish(self):
        self.assertEqual(result(ended("OK"), node="node: not found\n"), ("1 passed, 1 failed\n", 1))


if __name__ == "__main__":
    unittest.main()
