// SPDX-License-Identifier: BSL-1.0
// socoro: a middleware is
#include <socoro/namespace.hpp>

void open(socoro::nsp const& nsp) {
    nsp.use([](socoro::socket&) { return true; });
}
