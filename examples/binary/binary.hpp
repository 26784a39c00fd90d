// SPDX-License-Identifier: BSL-1.0
// Binary data inside structures: an album of small pictures. In JavaScript the bytes are a Buffer,
// a typed array or a Blob on their way in, a Buffer or an ArrayBuffer on their way out.
#pragma once

#include <socoro.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace album {

struct picture {
    std::string name, type;
    socoro::bytes content;
};
BOOST_DESCRIBE_STRUCT(picture, (), (name, type, content))

struct added {
    static constexpr auto event_name = "added";
    std::string name;
    std::size_t size = 0;
    socoro::bytes first_bytes;
};
BOOST_DESCRIBE_STRUCT(added, (), (name, size, first_bytes))

using add = socoro::event<"add", bool(picture)>;
using show = socoro::event<"show", std::optional<picture>(std::string)>;

using pictures = std::map<std::string, picture>;
constexpr std::size_t most = 100;  // one of them is as large as `options.limits` let a packet be

inline asio::awaitable<void> serve(std::shared_ptr<pictures> all, socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [&](socoro::request<add> const& asked) {
            auto const& given = asked.args;
            bool const fits = all->size() < most && all->emplace(given.name, given).second;
            asked.reply(fits);
            auto const& data = given.content.data;
            if (fits)
                socket.broadcast().emit<added>(given.name, data.size(), data.substr(0, 4));
        },
        [&](socoro::request<show> const& asked) {
            auto const found = all->find(asked.args);
            asked.reply(found == all->end() ? std::nullopt : std::optional(found->second));
        }};
    std::ignore = co_await socket.serve(handlers);
}

inline void open(socoro::server& io) {
    auto const all = std::make_shared<pictures>();
    io.on_connection([all](socoro::socket socket) { return serve(all, socket); });
}

}  // namespace album
