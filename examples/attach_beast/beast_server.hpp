// SPDX-License-Identifier: BSL-1.0
// A program's own HTTP server, on Boost.Beast and Boost.Asio, in a thread of its own. Requests that
// belong to the sockets it leaves to socoro, with their connections, and gets these back: a native
// handle is what both libraries understand.
#pragma once

#include "../support/shout.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

class beast_server {
public:
    using tcp = boost::asio::ip::tcp;
    using request = boost::beast::http::request<boost::beast::http::string_body>;
    using response = boost::beast::http::response<boost::beast::http::string_body>;

    beast_server(socoro::server& io, unsigned short port)
        : io_(io)
        , acceptor_(context_, {tcp::v4(), port}) {
        boost::asio::co_spawn(context_, accept(), boost::asio::detached);
        thread_ = std::jthread([this] { context_.run(); });
    }
    ~beast_server() { context_.stop(); }

    [[nodiscard]] unsigned short port() const { return acceptor_.local_endpoint().port(); }

private:
    static constexpr auto patience = std::chrono::seconds(10);

    boost::asio::awaitable<void> accept() {
        for (;;) {
            tcp::socket connection(context_);
            boost::system::error_code failed;
            co_await acceptor_.async_accept(
                connection,
                boost::asio::redirect_error(boost::asio::use_awaitable, failed));
            if (failed)
                co_await rest();
            else
                start(std::move(connection), {});
        }
    }

    /// Without descriptors nobody can be accepted, until others end.
    boost::asio::awaitable<void> rest() {
        boost::asio::steady_timer over(context_, std::chrono::milliseconds(100));
        co_await over.async_wait(boost::asio::use_awaitable);
    }

    void start(tcp::socket connection, std::string const& read) {
        boost::beast::flat_buffer buffer;
        auto const bytes = boost::asio::buffer(read);
        buffer.commit(boost::asio::buffer_copy(buffer.prepare(read.size()), bytes));
        auto serving = serve(boost::beast::tcp_stream(std::move(connection)), std::move(buffer));
        boost::asio::co_spawn(context_, std::move(serving), boost::asio::detached);
    }

    /// Answers one request after the other; the end of the connection throws.
    boost::asio::awaitable<void> serve(
        boost::beast::tcp_stream stream,
        boost::beast::flat_buffer buffer) {
        namespace http = boost::beast::http;
        for (bool more = true; more;) {
            http::request_parser<http::string_body> parser;
            stream.expires_after(patience);
            co_await http::async_read_header(stream, buffer, parser, boost::asio::use_awaitable);
            // [hand over]
            if (io_.owns(parser.get().target())) {
                std::ostringstream read;
                read << parser.get().base() << boost::beast::buffers_to_string(buffer.data());
                co_return hand_over(stream.release_socket(), read.str());
            }
            // [/hand over]
            co_await http::async_read(stream, buffer, parser, boost::asio::use_awaitable);
            auto const answer = answer_to(parser.get());
            more = answer.keep_alive();
            co_await http::async_write(stream, answer, boost::asio::use_awaitable);
        }
        stream.socket().shutdown(tcp::socket::shutdown_send);
    }

    // [give back]
    void hand_over(tcp::socket connection, std::string read) {
        auto const family = connection.local_endpoint().protocol();
        auto back = [this, family](socoro::descriptor returned, std::string unanswered) {
            // This is socoro's thread; the connection is the host's again.
            auto resume = [this, family, held = std::move(returned), unanswered]() mutable {
                start(tcp::socket(context_, family, held.release()), unanswered);
            };
            boost::asio::post(context_, std::move(resume));
        };
        io_.serve(socoro::descriptor(connection.release()), std::move(read), std::move(back));
    }
    // [/give back]

    response answer_to(request const& asked) {
        namespace http = boost::beast::http;
        auto const target = asked.target();
        bool const is_page = target == "/" || target.starts_with("/?");
        response answer(http::status::ok, asked.version());
        answer.set(http::field::cache_control, "no-store");
        answer.set(http::field::content_type, "text/html; charset=UTF-8");
        answer.keep_alive(asked.keep_alive());
        if (target == "/visits")
            answer.body() = std::to_string(++visits_);
        else if (is_page)
            answer.body() = shout::page;
        else
            answer.result(http::status::not_found);
        answer.prepare_payload();
        return answer;
    }

    socoro::server& io_;
    boost::asio::io_context context_{1};
    tcp::acceptor acceptor_;
    int visits_ = 0;
    std::jthread thread_;
};
