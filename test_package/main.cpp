// SPDX-License-Identifier: BSL-1.0
// A server that opens its port and closes it again.
#include <socoro.hpp>
#include <socoro/src.hpp>

int main() {
    asio::io_context context;
    socoro::server io(context);
    auto const at = io.listen(0);
    io.close();
    context.run();
    return at.port() == 0;
}
