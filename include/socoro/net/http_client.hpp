// SPDX-License-Identifier: BSL-1.0
// Sends HTTP requests to one server, over connections that are kept for the next. It follows no
// redirects, keeps no cookies and has no deadlines: those are for whoever knows what is asked.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/serializer.hpp>
#include <socoro/net/connector.hpp>
#include <socoro/net/http_client_connection.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::net {

/// The requests of a client to one server. Held by a `shared_ptr`. Not thread-safe; it lives on
/// the executor of its shard.
///
/// `http::request` is an aggregate: for g++ 12, name it before the expression with `co_await`.
class http_client : public std::enable_shared_from_this<http_client> {
public:
    /// The answer to a request for another protocol.
    struct switched {
        http::response answer;         ///< whatever its status
        std::shared_ptr<stream> over;  ///< the connection if the status is 101, otherwise none
        std::string rest;              ///< what was read from it behind the head
    };

    /// Reaches the server `to` by means of `through`. Of `bounds` it keeps those of the room `http`.
    http_client(
        std::shared_ptr<shard> owner,
        std::shared_ptr<connector> through,
        remote to,
        limits const& bounds = {})
        : shard_(std::move(owner))
        , connector_(std::move(through))
        , to_(std::move(to))
        , limits_(bounds) {}
    http_client(http_client const&) = delete;
    http_client& operator=(http_client const&) = delete;
    ~http_client() { close(); }

    /// Sends a request whose fields are complete, `Host` among them, and waits for its answer,
    /// whatever the status. Several may be under way at once, each on its own connection.
    ///
    /// A connection that was used before may be gone by the time the request reaches the server. If
    /// it ends before the first byte of an answer, a GET is sent once more, on a new connection,
    /// and any other method never, for it may have been carried out.
    ///
    /// Errors: those of the connector, of the stream, and of the room `http`, among them
    /// `errc::http_body_too_large` beyond `most_body` bytes; `asio::error::eof` if the server ended
    /// the connection instead of an answer, `operation_aborted` once this was closed. Throws
    /// `std::invalid_argument` for what cannot be written as a request. The client lives as long as
    /// this waits.
    [[nodiscard]] asio::awaitable<result<http::response>> send(
        http::request r,
        std::size_t most_body) {
        return exchange(shared_from_this(), std::move(r), most_body);
    }

    /// The same for a request that asks for another protocol, always on a new connection: with
    /// status 101 that is given away. Other answers have a body of at most
    /// `limits::max_http_buffer_size` bytes.
    [[nodiscard]] asio::awaitable<result<switched>> upgrade(http::request r) {
        return change_over(shared_from_this(), std::move(r));
    }

    /// Ends all that is under way, with `operation_aborted`, and all connections but those given
    /// away; sends nothing more. Resumes nobody before it returns, unless the connector does.
    void close();

private:
    using self_ptr = std::shared_ptr<http_client>;
    using connection_ptr = std::shared_ptr<http_client_connection>;

    [[nodiscard]] static asio::awaitable<result<http::response>>
    exchange(self_ptr self, http::request r, std::size_t most_body);
    [[nodiscard]] static asio::awaitable<result<switched>> change_over(
        self_ptr self,
        http::request r);
    [[nodiscard]] asio::awaitable<result<connection_ptr>> open();
    [[nodiscard]] asio::awaitable<result<http::response>>
    ask(connection_ptr over, http::request const& r, std::string const& bytes, std::size_t most);
    [[nodiscard]] connection_ptr take_resting();
    void keep(http_client_lease& lease, http_client_connection& over, http::request const& r);
    [[nodiscard]] std::error_code reason(std::error_code otherwise) const;

    std::shared_ptr<shard> shard_;
    std::shared_ptr<connector> connector_;
    remote to_;
    limits limits_;
    std::shared_ptr<stop_source> stop_ = std::make_shared<stop_source>();
    // They keep themselves alive, so that the end of the context ends them, whoever holds this.
    std::vector<std::weak_ptr<http_client_connection>> resting_;
};

inline void http_client::close() {
    auto const stop = stop_;
    for (auto const& each : std::exchange(resting_, {}))
        if (auto const connection = each.lock())
            connection->close();
    stop->request_stop();
}

/// Whatever else went wrong: it was closed.
inline std::error_code http_client::reason(std::error_code otherwise) const {
    return stop_->stop_requested() ? asio::error::operation_aborted : otherwise;
}

inline asio::awaitable<result<http::response>>
http_client::exchange(self_ptr self, http::request r, std::size_t most_body) {
    auto const bytes = http::serialize(r);
    auto const used_before = self->take_resting();
    if (used_before) {
        auto answer = co_await self->ask(used_before, r, bytes, most_body);
        bool const lost = answer.has_error() && !used_before->has_begun();
        if (!lost || r.method != "GET" || self->stop_->stop_requested())
            co_return answer;
    }
    auto const opened = co_await self->open();
    if (!opened)
        co_return opened.error();
    co_return co_await self->ask(*opened, r, bytes, most_body);
}

inline asio::awaitable<result<http::response>> http_client::ask(
    connection_ptr over,
    http::request const& r,
    std::string const& bytes,
    std::size_t most) {
    http_client_lease lease(stop_, over);
    auto const ec = co_await over->ask(r.method, bytes);
    if (ec)
        co_return reason(ec);
    // Nobody has asked for another protocol.
    if (over->head().status == 101)
        co_return make_error_code(errc::http_malformed);
    auto answer = co_await over->read_answer(most);
    if (!answer)
        co_return reason(answer.error());
    keep(lease, *over, r);
    co_return std::move(*answer);
}

inline asio::awaitable<result<http_client::switched>> http_client::change_over(
    self_ptr self,
    http::request r) {
    auto const bytes = http::serialize(r);
    auto const opened = co_await self->open();
    if (!opened)
        co_return opened.error();
    auto const over = *opened;
    http_client_lease lease(self->stop_, over);
    auto const ec = co_await over->ask(r.method, bytes);
    if (ec)
        co_return self->reason(ec);
    auto answer = co_await over->read_answer(self->limits_.max_http_buffer_size);
    if (!answer)
        co_return self->reason(answer.error());
    switched given;
    given.answer = std::move(*answer);
    if (given.answer.status == 101)
        given.over = over->release(given.rest);
    else
        self->keep(lease, *over, r);
    co_return given;
}

inline asio::awaitable<result<http_client::connection_ptr>> http_client::open() {
    if (stop_->stop_requested())
        co_return reason({});
    auto opened = co_await connector_->connect(shard_, to_, stop_);
    if (!opened || stop_->stop_requested())
        co_return reason(opened.has_error() ? opened.error() : std::error_code());
    co_return std::make_shared<http_client_connection>(shard_, std::move(*opened), limits_);
}

/// The one that was used last: the others may end meanwhile.
inline http_client::connection_ptr http_client::take_resting() {
    while (!resting_.empty()) {
        auto const last = resting_.back().lock();
        resting_.pop_back();
        if (last && last->wake())
            return last;
    }
    return nullptr;
}

inline void
http_client::keep(http_client_lease& lease, http_client_connection& over, http::request const& r) {
    if (!over.is_reusable() || !r.keep_alive() || stop_->stop_requested())
        return;
    lease.keep();
    std::erase_if(resting_, [](auto const& each) { return each.expired(); });
    resting_.push_back(over.weak_from_this());
    over.rest();
}

}  // namespace socoro::net
