// SPDX-License-Identifier: BSL-1.0
// socoro: a connection handler is
#include <socoro/namespace.hpp>

void open(socoro::nsp const& nsp) {
    nsp.on_connection([](socoro::socket) {});
}
