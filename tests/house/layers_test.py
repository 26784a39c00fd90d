# SPDX-License-Identifier: BSL-1.0
"""The layers hold in include/, and a tree in which they do not is told apart."""

import tempfile
import unittest
from pathlib import Path

import layers

INCLUDE = Path(__file__).resolve().parents[2] / "include"
BEGINNING = "// SPDX-License-Identifier: BSL-1.0\n// A header of this test.\n#pragma once\n"


class TheTree(unittest.TestCase):
    def test_has_headers_in_every_room(self):
        rooms = {layers.room_of(p.relative_to(INCLUDE).as_posix()) for p in layers.headers(INCLUDE)}
        self.assertLessEqual({"", *layers.LAYERS}, rooms)

    def test_includes_only_lower_layers_and_the_own_room(self):
        self.assertEqual(layers.wrong_arrows(INCLUDE), [])

    def test_begins_every_header_with_licence_purpose_and_guard(self):
        self.assertEqual(layers.bad_beginnings(INCLUDE), [])

    def test_brings_every_public_header_in_the_umbrella(self):
        self.assertEqual(layers.missing_from_umbrella(INCLUDE), [])

    def test_brings_nothing_in_the_umbrella_that_is_opt_in(self):
        gateways = {layers.OPENSSL_GATEWAY, layers.MSGPACK_GATEWAY, layers.ZLIB_GATEWAY}
        opt_in = {*layers.OPT_IN, *gateways}
        self.assertEqual(layers.brought_by_umbrella(INCLUDE) & opt_in, set())


class AnArrow(unittest.TestCase):
    def complaints(self, name, *lines):
        """What is said about a tree of one header with these lines."""
        with tempfile.TemporaryDirectory() as directory:
            header = Path(directory) / name
            header.parent.mkdir(parents=True)
            header.write_text(BEGINNING + "\n".join(lines) + "\n")
            return layers.wrong_arrows(Path(directory))

    def assert_refused(self, name, line, reason):
        [complaint] = self.complaints(name, line)
        self.assertTrue(complaint.startswith(f"{name} includes "), complaint)
        self.assertTrue(complaint.endswith(reason), complaint)

    def test_downwards_or_within_a_room_is_allowed(self):
        self.assertEqual(self.complaints(
            "socoro/net/a.hpp", "#include <socoro/base/b.hpp>", "#include <socoro/ws/c.hpp>",
            "#include <socoro/net/d.hpp>", "#include <boost/json.hpp>", "#include <vector>"), [])
        self.assertEqual(self.complaints(
            "socoro/adapter/a.hpp", "#include <socoro/adapter.hpp>", "#include <coroutine>"), [])
        self.assertEqual(self.complaints("socoro/net/asio.hpp", "#include <asio/post.hpp>"), [])

    def test_upwards_is_refused(self):
        up = "a higher layer"
        self.assert_refused("socoro/base/a.hpp", "#include <socoro/http/b.hpp>", up)
        self.assert_refused("socoro/eio/a.hpp", "#include <socoro/net/b.hpp>", up)
        self.assert_refused("socoro/transport/a.hpp", "#include <socoro/engine/b.hpp>", up)
        self.assert_refused("socoro/engine/a.hpp", "#include <socoro/server.hpp>", up)
        self.assert_refused("socoro/engine/a.hpp", "#  include  <socoro/adapter/b.hpp>", up)

    def test_between_protocol_rooms_is_refused(self):
        same = "a room of the same layer"
        self.assert_refused("socoro/eio/a.hpp", "#include <socoro/sio/b.hpp>", same)
        self.assert_refused("socoro/ws/a.hpp", "#include <socoro/http/b.hpp>", same)

    def test_to_the_umbrella_or_to_no_room_is_refused(self):
        self.assert_refused("socoro/a.hpp", "#include <socoro.hpp>", "never includes the umbrella")
        self.assert_refused("socoro/a.hpp", "#include <socoro/utils/b.hpp>", "utils is no room")
        self.assert_refused("socoro/a.hpp", '#include "b.hpp"', "includes with quotation marks")

    def test_to_asio_is_refused_outside_its_gateway(self):
        gateway = "only socoro/net/asio.hpp includes Asio"
        self.assert_refused("socoro/server.hpp", "#include <asio/post.hpp>", gateway)
        self.assert_refused("socoro/net/stream.hpp", "#include <asio.hpp>", gateway)

    def test_to_openssl_is_refused_outside_its_gateway(self):
        gateway = "only socoro/net/openssl.hpp includes OpenSSL"
        self.assert_refused("socoro/tls.hpp", "#include <openssl/ssl.h>", gateway)
        self.assertEqual(self.complaints("socoro/net/openssl.hpp", "#include <openssl/ssl.h>"), [])

    def test_to_msgpack_is_refused_outside_its_gateway(self):
        gateway = "only socoro/msgpack/library.hpp includes msgpack-cxx"
        self.assert_refused("socoro/msgpack.hpp", "#include <msgpack.hpp>", gateway)
        self.assert_refused("socoro/msgpack/reader.hpp", "#include <msgpack/unpack.hpp>", gateway)
        self.assertEqual(self.complaints("socoro/msgpack/library.hpp", "#include <msgpack.hpp>"), [])

    def test_to_zlib_is_refused_outside_its_gateway(self):
        gateway = "only socoro/base/zlib.hpp includes zlib"
        self.assert_refused("socoro/deflate.hpp", "#include <zlib.h>", gateway)
        self.assertEqual(self.complaints("socoro/base/zlib.hpp", "#include <zlib.h>"), [])

    def test_to_coroutines_is_refused_in_protocol_rooms(self):
        for name in ["socoro/sio/a.hpp", "socoro/base/a.hpp"]:
            self.assert_refused(name, "#include <coroutine>", "knows no coroutines")

    def test_to_another_library_of_boost_is_refused(self):
        reason = "Boost.asio is not among the libraries used"
        self.assert_refused("socoro/net/a.hpp", "#include <boost/asio.hpp>", reason)

    def test_from_a_directory_that_is_no_room_is_refused(self):
        self.assertEqual(self.complaints("socoro/utils/a.hpp"), ["socoro/utils/a.hpp: utils is no room"])


class ABeginning(unittest.TestCase):
    def complaints(self, text):
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "socoro.hpp").write_text(text)
            return layers.bad_beginnings(Path(directory))

    def test_with_all_three_is_accepted(self):
        self.assertEqual(self.complaints(BEGINNING), [])

    def test_without_licence_purpose_or_guard_is_refused(self):
        licence, purpose, guard = BEGINNING.splitlines(keepends=True)
        self.assertIn("SPDX", *self.complaints(purpose + purpose + guard))
        self.assertIn("what it is for", *self.complaints(licence + guard + purpose))
        self.assertIn("#pragma once", *self.complaints(licence + purpose))


if __name__ == "__main__":
    unittest.main()
