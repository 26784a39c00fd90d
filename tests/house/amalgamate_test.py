# SPDX-License-Identifier: BSL-1.0
"""The one header holds every header once, in an order in which each finds what it needs."""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import amalgamate  # noqa: E402

FILES = {
    "socoro.hpp": "#pragma once\n#include <socoro/b.hpp>\n#include <socoro/a.hpp>\n",
    "socoro/a.hpp": "#pragma once\n#include <vector>\nint a();\n",
    "socoro/b.hpp": "#pragma once\n#include <socoro/a.hpp>\n#include <vector>\nint b();\n",
    "socoro/src.hpp": "#pragma once\n#include <socoro/base/config.hpp>\n#include <bodies.hpp>\n",
    "socoro/base/config.hpp": "\n".join(
        f"#define SOCORO_VERSION_{part} {i}" for i, part in enumerate(["MAJOR", "MINOR", "PATCH"], 1)),
}


def amalgamated(**changed):
    """The one header of a tree of the files above, some of them changed."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in {**FILES, **changed}.items():
            file = Path(directory) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return amalgamate.amalgamate(Path(directory))


class TheOneHeader(unittest.TestCase):
    def test_holds_each_header_once_behind_what_it_includes(self):
        text = amalgamated()
        self.assertEqual([text.count("int a();"), text.count("int b();")], [1, 1])
        self.assertLess(text.index("int a();"), text.index("int b();"))

    def test_includes_nothing_of_ours_and_the_rest_once(self):
        text = amalgamated()
        self.assertNotIn("#include <socoro", text)
        self.assertEqual(text.count("#include <vector>"), 1)
        self.assertEqual(text.count("#pragma once"), 1)

    def test_compiles_the_bodies_only_where_it_is_asked_to(self):
        before, after = amalgamated().split("#if defined(SOCORO_IMPLEMENTATION)\n")
        self.assertNotIn("bodies.hpp", before)
        self.assertIn("#include <bodies.hpp>", after)

    def test_keeps_includes_under_a_condition_where_they_are(self):
        text = amalgamated(**{"socoro/b.hpp": "#include <set>\n#if X\n#include <set>\n#endif\n"})
        self.assertIn("#if X\n#include <set>\n#endif\n", text)

    def test_is_refused_for_a_header_of_ours_under_a_condition(self):
        with self.assertRaises(SystemExit):
            amalgamated(**{"socoro/b.hpp": "#if X\n#include <socoro/a.hpp>\n#endif\n"})

    def test_names_the_version(self):
        self.assertIn("socoro 1.2.3 in one header", amalgamated())


if __name__ == "__main__":
    unittest.main()
