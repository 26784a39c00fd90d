// SPDX-License-Identifier: BSL-1.0
// A tour of the server: each part is shown in the README.
#include <socoro.hpp>

#include "../support/program.hpp"

#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

// [events]
// One object argument, as in emit('order', {dish: 'soup', table: 4}):
struct order {
    static constexpr auto event_name = "order";
    std::string dish;
    int table = 0;
    std::optional<std::string> remark;  // may be missing or null
};
BOOST_DESCRIBE_STRUCT(order, (), (dish, table, remark))

// Positional arguments, as in emit('bell', 'kitchen', 3):
using bell = socoro::event<"bell", std::string, int>;

// Acknowledged: the reply has a type. As in emit('menu', 'today', (dishes) => ...):
using menu = socoro::event<"menu", std::vector<std::string>(std::string)>;

// Binary data travels as an attachment:
using photo = socoro::event<"photo", std::string, socoro::bytes>;
// [/events]

std::vector<std::string> dishes_of(std::string const& day) {
    return day == "today" ? std::vector<std::string>{"soup", "bread"} : std::vector<std::string>{};
}

// [receiving]
asio::awaitable<void> serve_table(socoro::socket socket) {
    for (;;) {
        auto const next = co_await socket.recv<order, menu>();  // the first of several
        if (auto const* placed = std::get_if<order>(&next)) {
            socket.to("kitchen").emit(*placed);
        } else {
            auto const& asked = std::get<socoro::request<menu>>(next);
            asked.reply(dishes_of(asked.args));  // .args: the argument, a std::string here
        }
    }
}

asio::awaitable<void> listen_to_bells(socoro::socket socket) {
    for (;;) {
        auto const rung = co_await socket.recv<bell>();
        auto const& [where, times] = rung;  // positional events are tuples
        std::cout << where << " rang " << times << " times\n";
    }
}
// [/receiving]

// [sending]
void ring(socoro::server& io, socoro::socket const& socket) {
    socket.emit<bell>("door", 1);              // to one
    socket.broadcast().emit<bell>("door", 1);  // to all but one
    io.emit<bell>("door", 1);                  // to all
    io.to("kitchen").to("bar").except("off duty").emit<bell>("door", 1);
    socket.emit("special of the day", "soup", 4.50);  // a name known at run time only
}
// [/sending]

// [calling]
asio::awaitable<void> ask_for_menu(socoro::socket socket) {
    try {
        auto const dishes = co_await socket.timeout(5s).call<menu>("tomorrow");
        std::cout << dishes.size() << " dishes\n";
    } catch (std::system_error const& e) {
        std::cout << e.code().message() << '\n';  // "operation has timed out", or why it left
    }
}
// [/calling]

// [middleware]
struct cook {
    std::string name;
};

asio::awaitable<void> only_cooks(socoro::socket& socket) {
    auto const* const auth = socket.handshake().auth.if_object();
    auto const* const name = auth ? auth->if_contains("name") : nullptr;
    if (!name || !name->is_string())
        throw socoro::refused("not authorized");
    socket.data<cook>().name = name->get_string();
    socket.join("kitchen");
    co_return;
}
// [/middleware]

// [anything]
asio::awaitable<void> log_everything(socoro::socket socket) {
    for (;;) {
        auto const event = co_await socket.recv();  // whatever its name is
        std::cout << socket.data<cook>().name << ": " << event.name << ' ' << event.args << '\n';
    }
}
// [/anything]

// [goodbye]
asio::awaitable<void> wait_tables(socoro::server& io, socoro::socket socket) {
    std::error_code why;
    try {
        co_await serve_table(socket);
    } catch (std::system_error const& e) {
        if (e.code() != socoro::closed)
            throw;
        why = e.code();
    }
    io.to("kitchen").emit("waiter left", why.message());  // "transport close", for example
}
// [/goodbye]

int main(int argc, char** argv) {
    // [serving]
    asio::io_context context;

    socoro::options options;
    options.cors.origins = {"https://example.com"};
    options.ping_interval = 10s;
    options.limits.max_http_buffer_size = 100'000;
    socoro::server io(context, options);

    io.on_connection([&io](socoro::socket socket) { return wait_tables(io, socket); });
    io.of("/kitchen").use(only_cooks).on_connection(log_everything);
    // [/serving]

    // [attach]
    socoro::http_server http(
        context,
        [](socoro::http::request request) -> asio::awaitable<socoro::http::response> {
            co_return socoro::http::text(200, "You asked for " + request.target);
        });
    io.attach(http);
    // [/attach]

    // [stopping]
    auto const listen = [&] { return http.listen(example::port(argc, argv)); };
    auto const close = [&]() -> asio::awaitable<void> {  // on Ctrl-C; then the context runs dry
        co_await io.close(5s);    // tells the clients, waits for the handlers, cancels late ones
        co_await http.close(5s);  // the same for requests
    };
    return example::run(context, listen, close);
    // [/stopping]
}
