// SPDX-License-Identifier: BSL-1.0
// A program's own HTTP server, written on plain Asio: a page and a counter, for GET alone. Requests
// that belong to the sockets it leaves to socoro, with their connections, and gets these back.
#pragma once

#include "../support/shout.hpp"

#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

class page_server {
public:
    using tcp = asio::ip::tcp;

    /// Without `wants_back` connections that were handed over end there.
    page_server(asio::io_context& context, socoro::server& io, bool wants_back)
        : context_(context)
        , io_(io)
        , wants_back_(wants_back)
        , acceptor_(context) {}

    tcp::endpoint listen(unsigned short port) {
        acceptor_ = tcp::acceptor(context_, {tcp::v4(), port});
        asio::co_spawn(context_, accept(), asio::detached);
        return acceptor_.local_endpoint();
    }

    void close() {
        acceptor_.close();
        for (auto const& connection : connections_)
            connection->close();
    }

private:
    static constexpr auto patience = std::chrono::seconds(10);
    static constexpr std::size_t longest_head = 16'384;

    asio::awaitable<void> accept() {
        while (acceptor_.is_open()) {
            tcp::socket connection(context_);
            auto const [failed] = co_await acceptor_.async_accept(connection, socoro::as_tuple);
            if (!failed)
                start(std::move(connection), {});
            else if (acceptor_.is_open())
                co_await rest();
        }
    }

    /// Without descriptors nobody can be accepted, until others end.
    asio::awaitable<void> rest() {
        asio::steady_timer over(context_, std::chrono::milliseconds(100));
        co_await over.async_wait(asio::use_awaitable);
    }

    void start(tcp::socket taken, std::string read) {
        auto const connection = std::make_shared<tcp::socket>(std::move(taken));
        connections_.insert(connection);
        auto serving = serve(connection, std::move(read));
        auto forget = [this, connection](std::exception_ptr) { connections_.erase(connection); };
        asio::co_spawn(context_, std::move(serving), std::move(forget));
    }

    /// Answers one request after the other; the end of the connection throws.
    asio::awaitable<void> serve(std::shared_ptr<tcp::socket> connection, std::string read) {
        for (bool more = true; more;) {
            asio::steady_timer deadline(context_, patience);
            deadline.async_wait([connection](std::error_code cancelled) {
                if (!cancelled)
                    connection->close();
            });
            auto const end = co_await asio::async_read_until(
                *connection,
                asio::dynamic_buffer(read, longest_head),
                "\r\n\r\n",
                asio::use_awaitable);
            deadline.cancel();
            // [hand over]
            std::string const target = target_of(read);
            if (io_.owns(target))
                co_return hand_over(std::move(*connection), std::move(read));
            // [/hand over]
            auto const head = lower_case(read.substr(0, end));
            read.erase(0, end);
            // A body would be taken for the next request.
            more = head.starts_with("get ") && head.find("\r\ncontent-length:") == head.npos &&
                   head.find("\r\ntransfer-encoding:") == head.npos &&
                   head.find("\r\nconnection: close\r\n") == head.npos;
            auto const answer = answer_to(head.starts_with("get ") ? target : "", more);
            co_await asio::async_write(*connection, asio::buffer(answer), asio::use_awaitable);
        }
    }

    // [give back]
    void hand_over(tcp::socket connection, std::string read) {
        if (!wants_back_)
            return io_.serve(std::move(connection), std::move(read));
        auto back = [this](tcp::socket returned, std::string unanswered) {
            start(std::move(returned), std::move(unanswered));
        };
        io_.serve(std::move(connection), std::move(read), back);
    }
    // [/give back]

    static std::string target_of(std::string const& head) {
        auto const begin = std::min(head.find(' '), head.find("\r\n")) + 1;
        return head.substr(begin, head.find_first_of(" \r", begin) - begin);
    }

    static std::string lower_case(std::string text) {
        for (char& c : text)
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        return text;
    }

    std::string answer_to(std::string const& target, bool more) {
        std::string status = "200 OK", type = "text/html; charset=UTF-8", body;
        if (target.empty())
            status = "405 Method Not Allowed";
        else if (target == "/visits")
            body = std::to_string(++visits_);
        else if (target == "/" || target.starts_with("/?"))
            body = shout::page;
        else
            status = "404 Not Found";
        return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
               "\r\nCache-Control: no-store\r\nContent-Length: " + std::to_string(body.size()) +
               (more ? "\r\n" : "\r\nConnection: close\r\n") + "\r\n" + body;
    }

    asio::io_context& context_;
    socoro::server& io_;
    bool wants_back_;
    tcp::acceptor acceptor_;
    std::set<std::shared_ptr<tcp::socket>> connections_;
    int visits_ = 0;
};
