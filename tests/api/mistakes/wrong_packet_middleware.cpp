// SPDX-License-Identifier: BSL-1.0
// socoro: a packet middleware is asio::awaitable<void>(socoro::socket&, socoro::any_event&)
#include <socoro/namespace.hpp>

void open(socoro::nsp const& nsp) {
    nsp.use_packets([](socoro::socket&) {});
}
