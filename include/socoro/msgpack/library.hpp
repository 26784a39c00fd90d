// SPDX-License-Identifier: BSL-1.0
// The one gateway to msgpack-cxx (https://msgpack.org), a library of headers: its packer, its parser
// for visitors, and none of its adaptors.
#pragma once

#include <socoro/sio/json_reader.hpp>

#include <cstddef>
#include <msgpack/null_visitor.hpp>
#include <msgpack/pack.hpp>
#include <msgpack/unpack.hpp>
#include <string>

namespace socoro::detail {

/// The deepest data that are read or written: what can be allowed in JSON, and what a program wraps
/// around it.
inline constexpr std::size_t deepest_msgpack = sio::deepest_json + 16;

/// Takes what a packer writes.
struct msgpack_sink {
    std::string& out;

    void write(char const* data, std::size_t size) { out.append(data, size); }
};

using msgpack_packer = ::msgpack::packer<msgpack_sink>;

}  // namespace socoro::detail
