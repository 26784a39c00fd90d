// SPDX-License-Identifier: BSL-1.0
// A contract: which events go which way is written down once, and the compiler holds the handler
// and the client of its test to it.
#pragma once

#include <socoro.hpp>

#include <memory>
#include <variant>

namespace heating {

// [contract]
using set = socoro::event<"set", double>;
using degrees = socoro::event<"degrees", double()>;
using changed = socoro::event<"changed", double>;
using confirm = socoro::event<"confirm", bool(double)>;

using thermostat =
    socoro::contract<socoro::receives<set, degrees>, socoro::sends<changed, confirm>>;

/// Serves one client. `socket.emit<set>(20.0)` would not compile here: "wrong direction".
inline asio::awaitable<void> regulate(std::shared_ptr<double> target, thermostat::socket socket) {
    for (;;) {
        auto const next = co_await socket.recv<set, degrees>();
        if (auto const* const asked = std::get_if<socoro::request<degrees>>(&next)) {
            asked->reply(*target);
            continue;
        }
        auto const [wanted] = std::get<set>(next);
        bool agreed = wanted < 25;
        if (!agreed)
            agreed = co_await socket.call<confirm>(wanted);
        if (!agreed)
            continue;
        *target = wanted;
        socket.emit<changed>(wanted);
        socket.broadcast().emit<changed>(wanted);
    }
}
// [/contract]

inline void open(socoro::server& io) {
    auto const target = std::make_shared<double>(18.0);
    io.on_connection([target](thermostat::socket socket) { return regulate(target, socket); });
}

}  // namespace heating
