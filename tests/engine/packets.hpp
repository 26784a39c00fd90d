// SPDX-License-Identifier: BSL-1.0
// Packets for the tests of what keeps packets.
#pragma once

#include <socoro/engine/queue.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine_test {

using socoro::engine::packet_ptr;

inline packet_ptr packet(std::string data) {
    return std::make_shared<socoro::eio::packet const>(
        socoro::eio::packet::of(socoro::eio::packet_type::message, std::move(data)));
}

/// One packet of each text.
inline std::vector<packet_ptr> group(std::vector<std::string> const& texts) {
    std::vector<packet_ptr> made;
    for (auto const& text : texts)
        made.push_back(packet(text));
    return made;
}

inline std::string joined(std::vector<packet_ptr> const& packets) {
    std::string all;
    for (auto const& p : packets)
        all += p->data;
    return all;
}

}  // namespace engine_test
