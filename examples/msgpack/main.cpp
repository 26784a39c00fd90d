// SPDX-License-Identifier: BSL-1.0
// Serves examples/msgpack: msgpack [--port N]
#include "../support/program.hpp"
#include "msgpack.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::server io(context, telemetry::with_msgpack());
    telemetry::open(io);
    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] { return io.close(2s); };
    return example::run(context, listen, close);
}
