// SPDX-License-Identifier: BSL-1.0
// The parser that a test asks for by its name.
#pragma once

#if __has_include(<msgpack/pack.hpp>)
#include <socoro/msgpack.hpp>
#endif
#include <socoro/sio/parser.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

/// "json", or "msgpack" if its library was there when this was compiled.
[[nodiscard]] inline std::shared_ptr<socoro::sio::parser const> parser_of(std::string_view name) {
    if (name == "json")
        return nullptr;
#if __has_include(<msgpack/pack.hpp>)
    if (name == "msgpack")
        return socoro::msgpack_parser();
#endif
    throw std::invalid_argument("there is no parser " + std::string(name));
}
