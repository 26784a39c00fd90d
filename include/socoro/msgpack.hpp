// SPDX-License-Identifier: BSL-1.0
// Packets as MessagePack, as the npm package socket.io-msgpack-parser 3 writes and reads them: each
// is one binary message, its binary data within. Opt-in: this needs the headers of msgpack-cxx, such
// as Debian's libmsgpack-cxx-dev, and nothing to link.
//
//     socoro::options options;
//     options.parser = socoro::msgpack_parser();
//
// It is smaller than JSON where there are many numbers or much binary data, and slower to write.
#pragma once

#include <socoro/msgpack/reader.hpp>
#include <socoro/msgpack/writer.hpp>
#include <socoro/sio/parser.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace socoro {

namespace detail {

/// The parser itself; there is nothing to it but its two halves.
class msgpack_packets final : public sio::parser {
public:
    [[nodiscard]] std::vector<message>
    encode(sio::header const& h, std::string_view json, attachments&& binary) const override {
        std::vector<message> out(1);
        out.front() = {true, encode_msgpack(h, json, binary)};
        return out;
    }

    [[nodiscard]] std::unique_ptr<sio::packet_decoder> make_decoder(
        limits const& bounds) const override {
        return std::make_unique<msgpack_decoder>(bounds);
    }
};

}  // namespace detail

/// The parser for the option `parser` of a server or a client. Any number of them may share one, in
/// any thread.
///
/// A Date arrives as the text that JSON has for it, so it is read as a `std::chrono::sys_time`;
/// `undefined`, NaN and infinity as null; a member that is undefined as none. The limits of JSON
/// hold: `json_depth`, `sio_attachments`, `sio_attachment_bytes`. In credentials and in what is told
/// of a refusal binary data is null.
///
/// Sending throws `std::system_error` with `errc::sio_too_deep` for data nested more than 1040 deep.
[[nodiscard]] inline std::shared_ptr<sio::parser const> msgpack_parser() {
    return std::make_shared<detail::msgpack_packets const>();
}

}  // namespace socoro
