# SPDX-License-Identifier: BSL-1.0
"""README.md shows code that is compiled: its blocks are excerpts of files, and stay so."""

import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    """A program of tools/ as a module."""
    spec = spec_from_loader(name, SourceFileLoader(name, str(ROOT / "tools" / name)))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme = load("readme")

SOURCE = """\
#include <socoro.hpp>
int main() {
    // [run]
    context.run();
    // [inner]
    for (;;)
        poll();
    // [/inner]
    // [/run]
}
"""


TOOL = """\
# [usage]
#   tools/tool --fast    # comment
# [/usage]
run "$@"
"""


class ThePages(unittest.TestCase):
    def check(self, page):
        text = (ROOT / page).read_text()
        then, problems = readme.written(ROOT, text)
        self.assertEqual(problems, [])
        self.assertEqual(text, then, "tools/readme writes the blocks anew")
        self.assertEqual(text.count("```"), 2 * len(readme.BLOCK.findall(text)), "a block of another form")
        return text

    def test_readme_shows_only_excerpts(self):
        self.assertIn("<!-- from examples/", self.check("README.md"))

    def test_the_pages_beside_it_show_only_excerpts(self):
        beside = [page for page in readme.pages(ROOT) if page != "README.md"]
        self.assertIn("docs/deployment.md", beside)
        for page in beside:
            with self.subTest(page):
                self.check(page)


class ABlock(unittest.TestCase):
    def written(self, marker, body, language="cpp"):
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "main.cpp").write_text(SOURCE)
            (Path(directory) / "tool").write_text(TOOL)
            return readme.written(Path(directory), f"Text.\n\n{marker}```{language}\n{body}```\n\nMore.\n")

    def test_is_written_from_its_region_without_indentation_and_marks(self):
        then, problems = self.written("<!-- from main.cpp: run -->\n", "old();\n")
        self.assertEqual(problems, [])
        self.assertIn("```cpp\ncontext.run();\nfor (;;)\n    poll();\n```\n\nMore.", then)

    def test_is_written_from_several_regions(self):
        then, _ = self.written("<!-- from main.cpp: inner, run -->\n", "")
        self.assertIn("```cpp\nfor (;;)\n    poll();\n\ncontext.run();\n", then)

    def test_is_written_from_a_whole_file(self):
        then, _ = self.written("<!-- from main.cpp -->\n", "old();\n")
        self.assertIn("```cpp\n" + SOURCE + "```\n", then)

    def test_is_written_from_the_usage_of_a_tool(self):
        then, _ = self.written("<!-- from tool: usage -->\n", "", "sh")
        self.assertIn("```sh\ntools/tool --fast    # comment\n```\n", then)

    def test_that_is_up_to_date_stays_as_it_is(self):
        once, _ = self.written("<!-- from main.cpp: run -->\n", "")
        body = once.split("```cpp\n")[1].split("```")[0]
        twice, _ = self.written("<!-- from main.cpp: run -->\n", body)
        self.assertEqual(once, twice)

    def test_of_code_without_a_source_is_refused(self):
        for language in ["cpp", "", "sh"]:
            _, [problem] = self.written("", "make me\n", language)
            self.assertTrue(problem.startswith("line 3: a block of"), problem)

    def test_of_a_source_or_region_that_is_not_there_is_refused(self):
        for marker in ["<!-- from main.cpp: stop -->\n", "<!-- from other.cpp -->\n"]:
            self.assertEqual(len(self.written(marker, "")[1]), 1)

    def test_of_output_or_of_programs_of_the_tree_needs_no_source(self):
        self.assertEqual(self.written("", "listening\n", "text")[1], [])
        self.assertEqual(self.written("", "./main.cpp --port 4000   # why not\n", "sh")[1], [])


if __name__ == "__main__":
    unittest.main()
