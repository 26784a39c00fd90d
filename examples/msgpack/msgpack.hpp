// SPDX-License-Identifier: BSL-1.0
// Measurements, as MessagePack: many numbers and bytes, which JSON makes long. Nothing in the
// handlers tells how packets travel; that is one option, and the clients' parser:
// io({ parser: require('socket.io-msgpack-parser') }) in JavaScript.
#pragma once

#include <socoro.hpp>
#include <socoro/msgpack.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace telemetry {

struct sample {
    static constexpr auto event_name = "sample";
    std::string sensor;
    std::chrono::sys_time<std::chrono::milliseconds> at;
    std::vector<double> values;
    socoro::bytes raw;
};
BOOST_DESCRIBE_STRUCT(sample, (), (sensor, at, values, raw))

/// The largest value of a sensor so far; none of one that has sent nothing.
using peak = socoro::event<"peak", std::optional<double>(std::string)>;

using peaks = std::map<std::string, double>;
constexpr std::size_t most = 1000;  // sensors, which clients name

inline void note(peaks& all, sample const& s) {
    if (s.values.empty() || (all.size() >= most && !all.contains(s.sensor)))
        return;
    auto const largest = *std::max_element(s.values.begin(), s.values.end());
    auto const place = all.emplace(s.sensor, largest).first;
    place->second = std::max(place->second, largest);
}

inline asio::awaitable<void> serve(std::shared_ptr<peaks> all, socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [&](sample const& s) {
            note(*all, s);
            socket.broadcast().emit(s);
        },
        [&](socoro::request<peak> const& asked) {
            auto const found = all->find(asked.args);
            asked.reply(found == all->end() ? std::nullopt : std::optional(found->second));
        }};
    std::ignore = co_await socket.serve(handlers);
}

// [parser]
/// The options of a server whose packets are MessagePack.
[[nodiscard]] inline socoro::options with_msgpack(socoro::options options = {}) {
    options.parser = socoro::msgpack_parser();
    return options;
}
// [/parser]

inline void open(socoro::server& io) {
    auto const all = std::make_shared<peaks>();
    io.on_connection([all](socoro::socket socket) { return serve(all, socket); });
}

}  // namespace telemetry
