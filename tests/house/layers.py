# SPDX-License-Identifier: BSL-1.0
"""The rules of include/: which room may include which, and how a header begins.

The rooms and their layers are drawn in CONTRIBUTING.md, section Design. Nothing is compiled here,
so a rule is about what a header spells, not about what reaches it through others.
"""

import re
from pathlib import Path

LAYERS = {
    "base": 0,
    "http": 1, "ws": 1, "eio": 1, "sio": 1,
    "net": 2,
    "transport": 3,
    "engine": 4,
}
ROOT_LAYER = 5  # what users touch: everything directly in socoro/, and rooms of their own there
ROOT_ROOMS = {"adapter", "codec", "msgpack", "test"}
PROTOCOL_LAYER = 1
ASIO_GATEWAY = "socoro/net/asio.hpp"
OPENSSL_GATEWAY = "socoro/net/openssl.hpp"
MSGPACK_GATEWAY = "socoro/msgpack/library.hpp"
ZLIB_GATEWAY = "socoro/base/zlib.hpp"
# The libraries that a header may bring into every program. What needs another one is opt-in.
BOOST = {"beast", "describe", "intrusive", "json", "mp11", "system"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(header):
    """The room of `socoro/room/name.hpp`; the empty string for what is directly in socoro/."""
    parts = header.split("/")
    return parts[1] if len(parts) > 2 else ""


def layer_of(header):
    """The layer of a header, or nothing if its directory is not a room."""
    room = room_of(header)
    if room == "" or room in ROOT_ROOMS:
        return ROOT_LAYER
    return LAYERS.get(room)


def objection_to(header, style, included):
    """What is wrong with one include in `header`, or nothing."""
    layer = layer_of(header)
    if style == '"':
        return "includes with quotation marks"
    if included.split("/")[0].removesuffix(".hpp") == "asio":
        return None if header == ASIO_GATEWAY else f"only {ASIO_GATEWAY} includes Asio"
    if included.startswith("openssl/"):
        return None if header == OPENSSL_GATEWAY else f"only {OPENSSL_GATEWAY} includes OpenSSL"
    if included.split("/")[0].removesuffix(".hpp") == "msgpack":
        return None if header == MSGPACK_GATEWAY else f"only {MSGPACK_GATEWAY} includes msgpack-cxx"
    if included in {"zlib.h", "zconf.h"}:
        return None if header == ZLIB_GATEWAY else f"only {ZLIB_GATEWAY} includes zlib"
    if included.startswith("boost/"):
        library = included.split("/")[1].removesuffix(".hpp")
        return None if library in BOOST else f"Boost.{library} is not among the libraries used"
    if included == "coroutine" and layer <= PROTOCOL_LAYER:
        return "a protocol room knows no coroutines"
    if included == "socoro.hpp":
        return "a room never includes the umbrella"
    if included.startswith("socoro/"):
        return objection_to_arrow(header, included)
    return None


def objection_to_arrow(header, included):
    target = layer_of(included)
    same_room = layer_of(header) == target and room_of(header) == room_of(included)
    if target is None:
        return f"{room_of(included)} is no room"
    if target > layer_of(header):
        return "a higher layer"
    if target == layer_of(header) != ROOT_LAYER and not same_room:
        return "a room of the same layer"
    return None


def wrong_arrows(include):
    """One line for each include below the directory that the layers do not allow."""
    found = []
    for path in headers(include):
        name = path.relative_to(include).as_posix()
        if layer_of(name) is None:
            found.append(f"{name}: {room_of(name)} is no room")
            continue
        for style, included in INCLUDE.findall(path.read_text()):
            objection = objection_to(name, style, included)
            if objection:
                found.append(f"{name} includes {included}: {objection}")
    return found


def bad_beginnings(include):
    """One line for each header that does not begin with licence, purpose and `#pragma once`."""
    found = []
    for path in [*headers(include), include / "socoro.hpp"]:
        name = path.relative_to(include).as_posix()
        lines = path.read_text().splitlines()
        if not lines or lines[0] != "// SPDX-License-Identifier: BSL-1.0":
            found.append(f"{name}: the first line is not the SPDX line")
        if len(lines) < 2 or not lines[1].startswith("// "):
            found.append(f"{name}: no comment says what it is for")
        if "#pragma once" not in lines:
            found.append(f"{name}: no #pragma once")
    return found


def brought_by_umbrella(include):
    """Every header of socoro that <socoro.hpp> brings, directly or not."""
    reached, waiting = set(), [include / "socoro.hpp"]
    while waiting:
        for _, included in INCLUDE.findall(waiting.pop().read_text()):
            if included.startswith("socoro/") and included not in reached:
                reached.add(included)
                waiting.append(include / included)
    return reached


def missing_from_umbrella(include):
    """The headers directly in socoro/ that <socoro.hpp> does not bring and that are not opt-in."""
    public = (p.relative_to(include).as_posix() for p in (include / "socoro").glob("*.hpp"))
    return sorted(set(public) - brought_by_umbrella(include) - OPT_IN)


OPT_IN = {
    "socoro/deflate.hpp",
    "socoro/msgpack.hpp",
    "socoro/src.hpp",
    "socoro/test.hpp",
    "socoro/tls.hpp",
}


def headers(include):
    return sorted((Path(include) / "socoro").rglob("*.hpp"))
