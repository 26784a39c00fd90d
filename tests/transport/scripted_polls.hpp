// SPDX-License-Identifier: BSL-1.0
// A client that polls, and the server that the test plays: it answers requests when it likes.
#pragma once

#include <socoro/transport/polling_client.hpp>

#include "transport/fixtures.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace transport_test {

/// The server: what it was asked, and what it answers.
struct script {
    explicit script(net::shard& on) : changed(on) {}

    void answer_get(socoro::result<std::string> body) {
        REQUIRE(getting);
        got = std::move(body);
        changed.notify_all();
    }
    void answer_post(std::error_code why = {}) {
        REQUIRE(posting);
        took = why;
        changed.notify_all();
    }
    [[nodiscard]] std::string take_posted() {
        std::string all;
        for (auto const& body : std::exchange(posted, {}))
            all += (all.empty() ? "" : " | ") + body;
        return all;
    }

    net::signal changed;
    std::optional<socoro::result<std::string>> got;
    std::optional<std::error_code> took;
    strings posted;
    int gets = 0;
    bool getting = false;
    bool posting = false;
    bool closed = false;
};

class scripted_exchange final : public transport::http_exchange {
public:
    explicit scripted_exchange(std::shared_ptr<script> by) : by_(std::move(by)) {}

    [[nodiscard]] asio::awaitable<socoro::result<std::string>> get() override { return ask(by_); }
    [[nodiscard]] asio::awaitable<std::error_code> post(std::string body) override {
        return tell(by_, std::move(body));
    }
    void close() override {
        by_->closed = true;
        by_->changed.notify_all();
    }

private:
    static constexpr auto aborted = asio::error::operation_aborted;

    [[nodiscard]] static asio::awaitable<socoro::result<std::string>> ask(
        std::shared_ptr<script> by) {
        CHECK_FALSE(std::exchange(by->getting, true));
        ++by->gets;
        std::error_code stopped;
        while (!by->got && !by->closed && !stopped)
            stopped = co_await by->changed.wait();
        by->getting = false;
        auto answer = std::exchange(by->got, std::nullopt);
        if (answer)
            co_return std::move(*answer);
        co_return asio::error::make_error_code(aborted);
    }
    [[nodiscard]] static asio::awaitable<std::error_code> tell(
        std::shared_ptr<script> by,
        std::string body) {
        CHECK_FALSE(std::exchange(by->posting, true));
        by->posted.push_back(std::move(body));
        std::error_code stopped;
        while (!by->took && !by->closed && !stopped)
            stopped = co_await by->changed.wait();
        by->posting = false;
        auto const answer = std::exchange(by->took, std::nullopt);
        co_return answer.value_or(asio::error::make_error_code(aborted));
    }

    std::shared_ptr<script> by_;
};

struct polling : fixture<transport::polling_client> {
    explicit polling(socoro::limits const& bounds = {}) {
        auto const exchange = std::make_shared<scripted_exchange>(server);
        subject = std::make_shared<transport::polling_client>(shard, exchange, bounds);
    }
    /// The server answers the poll that is under way.
    void answer(socoro::result<std::string> body) {
        server->answer_get(std::move(body));
        run();
    }
    void took(std::error_code failed = {}) {
        server->answer_post(failed);
        run();
    }

    std::shared_ptr<script> server = std::make_shared<script>(*shard);
};

/// Receives once, and can be cancelled.
struct one_recv {
    explicit one_recv(polling& t) {
        asio::co_spawn(
            *t.context,
            receive(t.subject, got),
            asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr) {
                ended = true;
            }));
        t.run();
    }
    static asio::awaitable<void> receive(
        std::shared_ptr<transport::polling_client> from,
        std::error_code& why) {
        auto const packet = co_await from->recv();
        if (!packet)
            why = packet.error();
    }
    asio::cancellation_signal cancel;
    std::error_code got;
    bool ended = false;
};

}  // namespace transport_test
