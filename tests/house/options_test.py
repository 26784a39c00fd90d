# SPDX-License-Identifier: BSL-1.0
"""docs/options.md names every option of a server, with the default that it has in the code.

A new member of one of the structs below needs a row in the page: its name as a program writes it
behind `options.`, its default and its unit, both as this test derives them from the code, why it is
so, and what happens at the limit. A member that is a struct of options itself is named in NESTED.
"""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include" / "socoro"

# The structs that a program's `socoro::options` is made of, in the order of the page.
PARTS = [
    ("engine/options.hpp", "options"),
    ("options.hpp", "options"),
    ("channel_options.hpp", "channel_options"),
    ("engine/session_options.hpp", "session_options"),
]
# The members that are structs themselves, with their header and name.
NESTED = {
    "cors": ("engine/cors.hpp", "cors_options"),
    "cookie": ("engine/cookie.hpp", "cookie_options"),
    "connection_state_recovery": ("options.hpp", "recovery_options"),
    "deadlines": ("net/http_connection.hpp", "http_deadlines"),
    "limits": ("base/limits.hpp", "limits"),
}
HOOKS = ("base/hooks.hpp", "hooks")
UNITS = {"milliseconds": "ms", "seconds": "s"}

ROW = re.compile(r"^\| `([\w.]+)` \|(.*)\|$", re.MULTILINE)
MEMBER = re.compile(r"^(?P<type>.+?)\s(?P<name>\w+)\s*(?:=\s*(?P<value>.+)|(?P<braces>\{.*\}))?$", re.DOTALL)


def body_of(header, struct):
    """The text between the braces of a struct, without comments."""
    text = re.sub(r"//[^\n]*", "", (INCLUDE / header).read_text())
    start = re.search(rf"struct {struct}\b[^;{{]*\{{", text).end()
    depth, at = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def statements(body):
    """What a body declares, each without its semicolon; functions with a body are passed over."""
    chunk, depth, in_function = "", 0, False
    for c in body:
        if c == "{" and depth == 0:
            in_function = bool(re.search(r"(\)|const|noexcept)\s*$", chunk))
        depth += {"{": 1, "}": -1}.get(c, 0)
        if (c == ";" and depth == 0) or (c == "}" and depth == 0 and in_function):
            # One that was given braces ends behind them, with its semicolon.
            if not in_function:
                yield chunk.strip()
            chunk, in_function = "", False
        else:
            chunk += c


def constant(text):
    """A default as the page writes it."""
    text = text.strip()
    if re.fullmatch(r"[\d'* ]+", text):
        factors = [int(factor) for factor in text.replace("'", "").split("*")]
        product = 1
        for factor in factors:
            product *= factor
        return str(product)
    strings = re.findall(r'"([^"]*)"', text)
    if strings:
        return ", ".join(f"`{each}`" for each in strings)
    return f"`{text.split('::')[-1]}`" if "::" in text else text


def default_of(kind, value):
    if value is not None:
        return constant(value)
    return "none" if re.match(r"std::(optional|function|shared_ptr)\b|request_step\b", kind) else "empty"


def members(body):
    """Name, type and default of each member that holds data, in the body of a struct."""
    for statement in statements(body):
        match = MEMBER.match(re.sub(r"\s+", " ", statement))
        if match and not statement.startswith("[["):
            yield match["name"], match["type"], match["value"] or (match["braces"] or "")[1:-1] or None


def hooks():
    return re.findall(r"^    std::function<.*> (\w+)(?: =|;)", body_of(*HOOKS), re.MULTILINE)


def options(parts=PARTS, prefix=""):
    """Every option, with its default and unit as the page has to give them."""
    for header, struct in parts:
        body = body_of(header, struct)
        for name, value in re.findall(rf"{struct}\(\) \{{ (\w+) = ([^;]+); \}}", body):
            yield prefix + name, (constant(value), "")
        for name, kind, value in members(body):
            if name in NESTED and not prefix:
                yield from options([NESTED[name]], name + ".")
            elif name != "hooks":
                unit = next((u for t, u in UNITS.items() if re.search(rf"chrono::{t}\b", kind)), "")
                yield prefix + name, (default_of(kind, value), unit)


def rows(page):
    """The rows of the page: name, and the other cells."""
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in ROW.findall(page)}


class ThePage(unittest.TestCase):
    def setUp(self):
        self.rows = rows((ROOT / "docs" / "options.md").read_text())
        self.options = {}
        for name, wanted in options():
            # What a struct sets anew for itself is behind what it is made of.
            self.options[name] = wanted

    def test_every_option_has_a_row_with_its_default(self):
        self.assertGreater(len(self.options), 60)
        for name, (default, unit) in self.options.items():
            with self.subTest(option=name):
                self.assertTrue(name in self.rows, "docs/options.md has no row for this option")
                cells = self.rows[name]
                self.assertEqual(len(cells), 4, "default, unit, why, at the limit")
                self.assertEqual(cells[0], default)
                if unit:
                    self.assertEqual(cells[1], unit)
                self.assertTrue(cells[2], "why is it so?")

    def test_every_hook_has_a_row(self):
        self.assertGreater(len(hooks()), 10)
        for name in hooks():
            with self.subTest(hook=name):
                self.assertTrue("hooks." + name in self.rows, "docs/options.md has no row for this hook")

    def test_every_row_is_of_something_that_is_there(self):
        known = set(self.options) | {"hooks." + name for name in hooks()}
        self.assertEqual(set(self.rows) - known, set())


class TheReader(unittest.TestCase):
    BODY = """
        options() { path = "/b"; }
        std::string path = "/a";
        std::vector<std::string> list{"x", "y"};
        std::vector<std::string> none_yet;
        std::optional<std::size_t> most;
        std::function<bool(int, std::string_view)> ask;
        std::size_t bytes = 16 * 1024;
        std::chrono::milliseconds wait{25'000};
        engine::same_site site = same_site::lax;
        [[nodiscard]] bool allows(int x) const { return x > 0 || !list.empty(); }
        [[nodiscard]] bool declared() const;
        bool last = true;
    """

    def test_it_finds_members_and_no_functions(self):
        found = {name: default_of(kind, value) for name, kind, value in members(self.BODY)}
        self.assertEqual(found, {
            "path": "`/a`", "list": "`x`, `y`", "none_yet": "empty", "most": "none", "ask": "none",
            "bytes": "16384", "wait": "25000", "site": "`lax`", "last": "true",
        })

    def test_what_a_constructor_sets_counts(self):
        self.assertEqual(dict(options())["path"], ("`/socket.io`", ""))


if __name__ == "__main__":
    unittest.main()
