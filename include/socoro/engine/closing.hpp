// SPDX-License-Identifier: BSL-1.0
// How a server ends together with the HTTP server that is there for it alone, and how one waits
// until nothing of them is left.
#pragma once

#include <socoro/engine/server_core.hpp>
#include <socoro/net/http_server_core.hpp>
#include <socoro/net/task_group.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace socoro::engine {

/// Closes a server and the HTTP server that is there for it alone. It holds a share of both, since
/// a handler that is told may destroy whoever holds the others.
template <typename Core>
void close_together(std::shared_ptr<Core> core, std::shared_ptr<net::http_server_core> http) {
    http->stop_listening();
    // Polls that wait are answered, before their connections end.
    core->close();
    http->close();
}

namespace detail {

/// Ends the connections of an HTTP server on several shards, once nobody holds it any more.
struct end_of_connections {
    explicit end_of_connections(std::vector<std::shared_ptr<net::http_server_core>> of)
        : parts(std::move(of)) {}
    end_of_connections(end_of_connections const&) = delete;
    end_of_connections& operator=(end_of_connections const&) = delete;
    ~end_of_connections() {
        for (auto const& http : parts)
            http->owner()->execute([http] { http->close(); });
    }

    std::vector<std::shared_ptr<net::http_server_core>> parts;
};

}  // namespace detail

/// The same for the parts of a server on several shards, each there. A poll that waits may have its
/// connection on another shard, where its answer has to come through first. Thread-safe.
template <typename Core>
void close_together(
    std::vector<std::shared_ptr<Core>> const& cores,
    std::vector<std::shared_ptr<net::http_server_core>> const& parts) {
    if (cores.size() == 1)
        return parts.front()->owner()->execute(
            [core = cores.front(), http = parts.front()] { close_together(core, http); });
    auto const last = std::make_shared<detail::end_of_connections>(parts);
    for (std::size_t i = 0; i < cores.size(); ++i)
        parts[i]->owner()->execute([core = cores[i], http = parts[i], last] {
            // Takes nothing more from now on.
            http->finish();
            core->close();
        });
}

/// Waits until nothing is left of what was closed: no task, no session, no connection. What has not
/// ended by the deadline is cancelled and waited for, the tasks again and again: one that is
/// cancelled may start another, or wait for something else. Who is cancelled while waiting here
/// leaves the rest to its own end.
[[nodiscard]] inline asio::awaitable<void> await_end(
    std::shared_ptr<server_core> core,
    std::shared_ptr<net::http_server_core> http,
    std::shared_ptr<net::task_group> tasks,
    net::time_point deadline) {
    constexpr auto again_after = std::chrono::milliseconds(100);
    auto late = co_await core->wait_closed(deadline);
    if (!late)
        late = co_await http->wait_closed(deadline);
    // Last, for a POST that is received until then may start some.
    if (!late)
        late = co_await tasks->wait(deadline);
    if (late != errc::timeout)
        co_return;
    core->abandon();
    http->abandon();
    while (late) {
        tasks->cancel_all();
        late = co_await tasks->wait(core->owner()->now() + again_after);
    }
    std::ignore = co_await core->wait_closed();
    std::ignore = co_await http->wait_closed();
}

}  // namespace socoro::engine
