// SPDX-License-Identifier: BSL-1.0
// A server that is replaced while its clients talk: start the new one, then end the old one.
//   restart [--port N]
// Both listen at the port for a moment. The old one stops to accept, answers what has begun,
// disconnects its clients, who come back to the new one by themselves, and ends. Started by systemd
// (socket activation) the processes share one socket, and not even the instant of the change is
// seen by anybody who connects: see the option `reuse_port`.
#include "../support/program.hpp"
#include "restart.hpp"

#include <optional>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

/// The first socket that systemd gives to this process, which is always descriptor 3.
std::optional<socoro::descriptor> activated() {
    auto const* const count = std::getenv("LISTEN_FDS");
    auto const* const pid = std::getenv("LISTEN_PID");
    if (!count || !pid || std::string_view(count) == "0" || pid != std::to_string(::getpid()))
        return std::nullopt;
    return socoro::descriptor(3);
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::server io(context);
    io.on_connection(restart::take_orders);

    // [listen]
    auto const listen = [&] {
        if (auto given = activated())
            return io.listen(std::move(*given));
        return io.listen(example::port(argc, argv), {.reuse_port = true});
    };
    auto const close = [&] { return io.close(5s); };
    // [/listen]
    return example::run(context, listen, close);
}
