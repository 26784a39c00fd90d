// SPDX-License-Identifier: BSL-1.0
// How an Engine.IO client opens a session: one transport after the other is tried, up to the open
// packet. When it is tried again is the business of the layer above.
#pragma once

#include <socoro/eio/handshake.hpp>
#include <socoro/engine/client_options.hpp>
#include <socoro/engine/http_caller.hpp>
#include <socoro/http/status.hpp>
#include <socoro/http/url.hpp>
#include <socoro/net/first_of.hpp>
#include <socoro/net/http_client.hpp>
#include <socoro/net/layered_connector.hpp>
#include <socoro/net/open_streams.hpp>
#include <socoro/net/registering_connector.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/tcp_connector.hpp>
#include <socoro/net/websocket_client.hpp>
#include <socoro/transport/any_transport.hpp>
#include <socoro/transport/polling_client.hpp>
#include <socoro/transport/websocket.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace socoro::engine {

/// A session that a server has opened, or why there is none.
struct dialed {
    transport::any_transport over;
    /// The same if it is polling.
    std::shared_ptr<transport::polling_client> polling;
    /// The open packet, as it came and as it is understood.
    eio::packet first;
    eio::open handshake;
    /// What failed: `poll_error`, `websocket_error`, `server_error`, `no_transports` ...
    std::error_code failed;
    /// ... and why exactly, such as what the system or TLS said, or the status of the answer.
    std::error_code why;
};

/// Opens sessions of one server. Not thread-safe; it lives on the executor of its shard.
class dialer : public std::enable_shared_from_this<dialer> {
public:
    /// Throws as `http_caller`, and `std::system_error` for a proxy that is no `http` URL.
    dialer(
        std::shared_ptr<net::shard> owner,
        http::url server,
        std::shared_ptr<client_options const> opts);

    /// Tries the transports in their order, until `stop` says so.
    [[nodiscard]] asio::awaitable<dialed> dial(std::shared_ptr<net::stop_source> stop);

    /// Opens a WebSocket for the session that has this sid.
    [[nodiscard]] asio::awaitable<result<transport::any_transport>> open_websocket(
        std::string sid,
        std::shared_ptr<net::stop_source> stop);

    /// Whether a WebSocket got through last time: see `client_options::remember_upgrade`.
    void remember(bool websocket_works) noexcept { websocket_works_ = websocket_works; }

    [[nodiscard]] http::url const& server() const noexcept { return caller_.server(); }

    /// The connections, whoever uses them by now.
    [[nodiscard]] net::open_streams& streams() noexcept { return *streams_; }

private:
    /// The requests of one session that polls.
    class requests;

    [[nodiscard]] std::vector<std::string> transports() const;
    [[nodiscard]] asio::awaitable<dialed> open(
        std::string transport,
        std::shared_ptr<net::stop_source> stop);
    [[nodiscard]] asio::awaitable<dialed> open_polling(std::shared_ptr<net::stop_source> stop);
    [[nodiscard]] asio::awaitable<dialed> await_open(
        dialed begun,
        std::shared_ptr<net::stop_source> stop);
    [[nodiscard]] asio::awaitable<result<eio::packet>> receive(
        transport::any_transport over,
        std::shared_ptr<net::stop_source> stop);
    [[nodiscard]] std::shared_ptr<net::http_client> make_client() const {
        return std::make_shared<net::http_client>(shard_, connector_, remote_, options_->limits);
    }

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<client_options const> options_;
    http_caller caller_;
    net::remote remote_;
    std::shared_ptr<net::open_streams> streams_;
    std::shared_ptr<net::connector> connector_;
    std::shared_ptr<ws::negotiator> negotiator_;
    bool websocket_works_ = false;
};

class dialer::requests final : public transport::http_exchange {
public:
    requests(std::shared_ptr<dialer> by, std::shared_ptr<net::http_client> over)
        : by_(std::move(by))
        , over_(std::move(over)) {}

    [[nodiscard]] asio::awaitable<result<std::string>> get() override {
        return ask(by_, over_, by_->caller_.poll(sid));
    }
    [[nodiscard]] asio::awaitable<std::error_code> post(std::string body) override {
        return tell(by_, over_, by_->caller_.post(sid, std::move(body)));
    }
    void close() override { over_->close(); }

    std::string sid;

private:
    // These hold what they need: the transport that awaits them may be gone before they end.
    [[nodiscard]] static asio::awaitable<result<std::string>>
    ask(std::shared_ptr<dialer> by, std::shared_ptr<net::http_client> over, http::request request) {
        auto answer =
            co_await over->send(std::move(request), by->options_->limits.max_http_buffer_size);
        if (!answer)
            co_return answer.error();
        by->caller_.learn(*answer);
        if (answer->status != 200)
            co_return http::status_error(answer->status);
        co_return std::move(answer->body);
    }
    [[nodiscard]] static asio::awaitable<std::error_code> tell(
        std::shared_ptr<dialer> by,
        std::shared_ptr<net::http_client> over,
        http::request request) {
        auto const answer = co_await ask(std::move(by), std::move(over), std::move(request));
        co_return answer ? std::error_code() : answer.error();
    }

    std::shared_ptr<dialer> by_;
    std::shared_ptr<net::http_client> over_;
};

namespace detail {

/// What it is called that the first packet has not come.
[[nodiscard]] inline errc failure_of(transport::any_transport const& over, std::error_code why) {
    if (why == errc::parse_error)
        return errc::server_error;
    return over.name() == "polling" ? errc::poll_error : errc::websocket_error;
}

/// The proxy that a client is to use, if any.
[[nodiscard]] inline std::optional<http::url> parse_proxy(std::string_view text) {
    if (text.empty())
        return std::nullopt;
    auto proxy = http::parse_url(text);
    if (!proxy || proxy->scheme != "http")
        throw std::system_error(make_error_code(errc::invalid_url), "proxy");
    return std::move(*proxy);
}

}  // namespace detail

inline dialer::dialer(
    std::shared_ptr<net::shard> owner,
    http::url server,
    std::shared_ptr<client_options const> opts)
    : shard_(std::move(owner))
    , options_(std::move(opts))
    , caller_(shard_, std::move(server), options_)
    , remote_{caller_.server().host, caller_.server().port, caller_.server().is_secure()}
    , streams_(std::make_shared<net::open_streams>(shard_)) {
    auto below = options_->connector ? options_->connector : std::make_shared<net::tcp_connector>();
    auto whole =
        net::make_connector(std::move(below), detail::parse_proxy(options_->proxy), options_->tls);
    connector_ = std::make_shared<net::registering_connector>(std::move(whole), streams_);
    if (options_->per_message_deflate)
        negotiator_ = options_->per_message_deflate->make_negotiator();
}

/// In the order in which they are tried.
inline std::vector<std::string> dialer::transports() const {
    auto order = options_->transports;
    auto const websocket = std::find(order.begin(), order.end(), "websocket");
    if (options_->remember_upgrade && websocket_works_ && websocket != order.end())
        std::rotate(order.begin(), websocket, websocket + 1);
    if (!options_->try_all_transports && order.size() > 1)
        order.resize(1);
    return order;
}

inline asio::awaitable<dialed> dialer::dial(std::shared_ptr<net::stop_source> stop) {
    auto const self = shared_from_this();
    dialed last;
    last.failed = last.why = make_error_code(errc::no_transports);
    for (auto const& name : transports()) {
        last = co_await open(name, stop);
        remember(!last.failed && name == "websocket");
        if (!last.failed || stop->stop_requested())
            break;
    }
    co_return last;
}

inline asio::awaitable<dialed> dialer::open(
    std::string transport,
    std::shared_ptr<net::stop_source> stop) {
    dialed opened;
    if (transport == "polling") {
        opened = co_await open_polling(stop);
    } else if (transport == "websocket") {
        auto over = co_await open_websocket({}, stop);
        if (over) {
            opened.over = std::move(*over);
            opened = co_await await_open(std::move(opened), stop);
        } else {
            opened.failed = make_error_code(errc::websocket_error);
            opened.why = over.error();
        }
    } else {
        opened.failed = opened.why = make_error_code(errc::no_transports);
    }
    co_return opened;
}

inline asio::awaitable<dialed> dialer::open_polling(std::shared_ptr<net::stop_source> stop) {
    auto const exchange = std::make_shared<requests>(shared_from_this(), make_client());
    dialed opened;
    opened.polling =
        std::make_shared<transport::polling_client>(shard_, exchange, options_->limits);
    opened.over = transport::any_transport(opened.polling);
    opened = co_await await_open(std::move(opened), stop);
    exchange->sid = opened.handshake.sid;
    if (opened.polling)
        opened.polling->limit_payload(opened.handshake.max_payload);
    co_return opened;
}

/// Waits for a packet. To be stopped, it does not wait for the end of the transport.
inline asio::awaitable<result<eio::packet>> dialer::receive(
    transport::any_transport over,
    std::shared_ptr<net::stop_source> stop) {
    net::signal stopped(*shard_);
    net::stop_callback const on_stop(stop, [&stopped] { stopped.notify_all(); });
    if (stop->stop_requested())
        co_return make_error_code(errc::transport_close);
    auto packet = over.recv();
    auto end = stopped.wait();
    auto first = co_await net::first_of(std::move(packet), std::move(end));
    if (first.index() != 0)
        co_return make_error_code(errc::transport_close);
    co_return std::move(std::get<0>(first));
}

/// Waits for the open packet, which comes first.
inline asio::awaitable<dialed> dialer::await_open(
    dialed begun,
    std::shared_ptr<net::stop_source> stop) {
    auto over = begun.over;
    auto first = co_await receive(over, std::move(stop));
    dialed opened;
    if (!first) {
        opened.failed = make_error_code(detail::failure_of(over, first.error()));
        opened.why = over.failure() ? over.failure() : first.error();
        std::ignore = over.close(transport::ending::discard);
        co_return opened;
    }
    auto handshake = first->type == eio::packet_type::open
                         ? eio::decode_open(first->data)
                         : result<eio::open>(make_error_code(errc::eio_bad_open));
    if (!handshake) {
        std::ignore = over.close(transport::ending::discard);
        opened.failed = make_error_code(errc::server_error);
        opened.why = handshake.error();
        co_return opened;
    }
    begun.first = std::move(*first);
    begun.handshake = std::move(*handshake);
    co_return begun;
}

inline asio::awaitable<result<transport::any_transport>> dialer::open_websocket(
    std::string sid,
    std::shared_ptr<net::stop_source> stop) {
    auto const self = shared_from_this();
    auto const client = make_client();
    net::stop_callback const on_stop(stop, [&client] { client->close(); });
    auto request = caller_.connect(sid);
    auto opened = co_await net::open_websocket(
        client,
        std::move(request),
        options_->limits,
        shard_,
        negotiator_);
    if (!opened)
        co_return opened.error();
    co_return transport::any_transport(std::make_shared<transport::websocket>(std::move(*opened)));
}

}  // namespace socoro::engine
