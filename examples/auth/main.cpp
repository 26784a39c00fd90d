// SPDX-License-Identifier: BSL-1.0
// Serves examples/auth: auth [--port N]
#include "../support/program.hpp"
#include "auth.hpp"

using namespace std::chrono_literals;

asio::awaitable<std::optional<auth::user>> look_up(std::string token) {
    auto const ex = co_await asio::this_coro::executor;
    asio::steady_timer query(ex, 20ms);
    co_await query.async_wait(asio::use_awaitable);
    if (token != "letmein")
        co_return std::nullopt;
    co_return auth::user{"Ann"};
}

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::server io(context);
    auth::open(io, look_up);
    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] { return io.close(2s); };
    return example::run(context, listen, close);
}
