// SPDX-License-Identifier: BSL-1.0
// The server that Node's own client is tried against: every feature under a name of its own.
//   conformance [--port N] [--client DIRECTORY] [--options JSON] [--parser msgpack] [--shards N]
#include <socoro.hpp>

#include "../../examples/support/program.hpp"
#include "conformance_options.hpp"
#include "parser_option.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace json = socoro::json;

using auth = socoro::event<"auth", json::value>;
using question = socoro::event<"question", json::value(json::value)>;
using answer = socoro::event<"answer", json::value>;
using from_room = socoro::event<"from room", json::value>;
using from_all = socoro::event<"from all", json::value>;
using from_others = socoro::event<"from others", json::value>;
using from_except = socoro::event<"from except", json::value>;

[[nodiscard]] std::string lower_case(std::string name) {
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
}

[[nodiscard]] json::value describe(socoro::handshake const& brought) {
    json::object query, headers, cookies;
    for (auto const& parameter : brought.query)
        query[parameter.name] = parameter.value;
    for (auto const& field : brought.headers)
        headers[lower_case(field.name)] = field.value;
    for (auto const& cookie : brought.cookies)
        cookies[cookie.name] = cookie.value;
    return json::object{
        {"query", std::move(query)},
        {"headers", std::move(headers)},
        {"cookies", std::move(cookies)},
        {"auth", brought.auth},
        {"address", brought.address}};
}

using action = std::function<void(socoro::server&, socoro::socket const&, socoro::any_event&)>;

std::map<std::string, action, std::less<>> const actions{
    {"message",
     [](auto&, auto const& socket, auto& event) {
         event.name = "message-back";
         socket.emit(event);
     }},
    {"message-with-ack",
     [](auto&, auto const&, auto& event) { event.reply_with(event.args, event.attachments); }},
    {"join",
     [](auto&, auto const& socket, auto& e) { socket.join(e.template get<std::string>(0)); }},
    {"leave",
     [](auto&, auto const& socket, auto& e) { socket.leave(e.template get<std::string>(0)); }},
    {"to room",
     [](auto&, auto const& socket, auto& e) {
         auto const room = e.template get<std::string>(0);
         socket.to(room).template emit<from_room>(e.template get<json::value>(1));
     }},
    {"to all",
     [](auto& io, auto const&, auto& e) {
         io.template emit<from_all>(e.template get<json::value>(0));
     }},
    {"to others",
     [](auto&, auto const& socket, auto& e) {
         socket.broadcast().template emit<from_others>(e.template get<json::value>(0));
     }},
    {"except",
     [](auto& io, auto const&, auto& e) {
         auto const room = e.template get<std::string>(0);
         io.except(room).template emit<from_except>(e.template get<json::value>(1));
     }},
    {"disconnect me", [](auto&, auto const& socket, auto&) { socket.disconnect(); }},
    {"close me", [](auto&, auto const& socket, auto&) { socket.disconnect(true); }},
    {"data", [](auto&, auto const& socket, auto& e) { e.reply(++socket.template data<int>()); }},
    {"handshake",
     [](auto&, auto const& socket, auto& e) { e.reply(describe(socket.handshake())); }},
};

asio::awaitable<void> serve(socoro::server& io, socoro::socket socket) {
    socket.emit<auth>(socket.handshake().auth);
    for (;;) {
        auto event = co_await socket.recv();
        if (event.name == "call me") {
            auto const asked = event.get<json::value>(0);
            auto const reply = co_await socket.call<question>(asked);
            socket.emit<answer>(reply);
        } else if (auto const known = actions.find(event.name); known != actions.end()) {
            known->second(io, socket, event);
        }
    }
}

asio::awaitable<void> greet(socoro::socket socket) {
    socket.emit<auth>(socket.handshake().auth);
    for (;;)
        co_await socket.recv();
}

asio::awaitable<void> admit(socoro::socket& socket) {
    auto const* const credentials = socket.handshake().auth.if_object();
    auto const* const token = credentials ? credentials->if_contains("token") : nullptr;
    if (!token || *token != "letmein") {
        json::value const data = json::object{{"code", "E401"}};
        throw socoro::refused("not authorized", data);
    }
    co_return;
}

using item = socoro::event<"item", int, std::string>;
using taken = socoro::event<"taken", int>;
using out_of_order = socoro::event<"out of order", int>;

/// Takes its time, and says how far it is.
asio::awaitable<void> dawdle(socoro::socket socket) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int expected = 0;; ++expected) {
        auto const next = co_await socket.recv<item>();
        auto const& [number, padding] = next;
        if (number != expected)
            socket.emit<out_of_order>(number);
        if (number % 64 == 0) {
            timer.expires_after(std::chrono::milliseconds(8));
            co_await timer.async_wait(asio::use_awaitable);
        }
        if (number % 1000 == 999)
            socket.emit<taken>(number + 1);
    }
}

}  // namespace

/// The shards beside the first, each a context that a thread of its own runs.
class more_shards {
public:
    explicit more_shards(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            contexts_.emplace_back(ASIO_CONCURRENCY_HINT_UNSAFE_IO);
    }
    void add_to(std::vector<asio::any_io_executor>& all) {
        for (auto& context : contexts_)
            all.emplace_back(context.get_executor());
    }
    void start() {
        for (auto& context : contexts_) {
            work_.emplace_back(context.get_executor());
            threads_.emplace_back([&context] { context.run(); });
        }
    }
    void stop() {
        work_.clear();
        threads_.clear();
    }

private:
    std::deque<asio::io_context> contexts_;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work_;
    std::vector<std::jthread> threads_;
};

int main(int argc, char** argv) {
    asio::io_context context;
    more_shards others(std::stoul(example::option(argc, argv, "--shards", "1")) - 1);
    std::vector<asio::any_io_executor> shards{context.get_executor()};
    others.add_to(shards);
    socoro::options options;
    options.client_directory = example::option(argc, argv, "--client", CHAT_CLIENT_DIRECTORY);
    options.parser = parser_of(example::option(argc, argv, "--parser", "json"));
    auto const given = json::parse(example::option(argc, argv, "--options", "{}"));
    bool const uses = conformance::read(given.as_object(), options);
    socoro::server io(shards, options);
    if (uses)
        io.use_requests(conformance::obey);
    io.on_connection([&io](socoro::socket socket) { return serve(io, socket); });
    io.of("/custom").on_connection(greet);
    io.of("/secret").use(admit).on_connection(greet);
    io.of("/slow").on_connection(dawdle);
    auto const listen = [&] {
        auto const at = io.listen(example::port(argc, argv));
        others.start();
        return at;
    };
    auto const close = [&] { return io.close(std::chrono::seconds(2)); };
    auto const status = example::run(context, listen, close);
    others.stop();
    return status;
}
