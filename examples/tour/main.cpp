// SPDX-License-Identifier: BSL-1.0
// A tour of the server: each part is shown in the README.
#include <socoro.hpp>

#include "../support/program.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <regex>
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

// [serving events]
asio::awaitable<void> run_bar(socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [&](order const& placed) -> asio::awaitable<void> {  // may wait
            auto const known = co_await socket.call<menu>("bar");
            if (std::find(known.begin(), known.end(), placed.dish) != known.end())
                socket.to("bar").emit(placed);
        },
        [](socoro::request<menu> const& asked) { asked.reply(dishes_of(asked.args)); },
        [](socoro::any_event const& other) { std::cout << other.name << '\n'; }};
    auto const why = co_await socket.serve(handlers).concurrently();  // or in turn, without
    std::cout << "the bar closes: " << why.message() << '\n';
}
// [/serving events]

// [waiting]
asio::awaitable<void> wait_for_order(socoro::socket socket) {
    auto const [error, placed] = co_await socket.recv<order>(30s, socoro::as_tuple);
    if (error == socoro::errc::timeout)
        socket.emit("still there?");

    asio::steady_timer closing_time(co_await asio::this_coro::executor, 1h);
    auto closing = closing_time.async_wait(asio::use_awaitable);
    auto const first = co_await socoro::first_of(socket.recv<order>(), std::move(closing));
    std::cout << (first.index() == 0 ? "one more order\n" : "closed\n");
}
// [/waiting]

// [sending]
void ring(socoro::server& io, socoro::socket const& socket) {
    socket.emit<bell>("door", 1);              // to one
    socket.broadcast().emit<bell>("door", 1);  // to all but one
    io.emit<bell>("door", 1);                  // to all
    io.to("kitchen").to("bar").except("off duty").emit<bell>("door", 1);
    io.volatile_().emit<bell>("door", 1);             // not to those who would get it late
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

asio::awaitable<void> ask_everybody(socoro::server& io) {
    auto const menus = co_await io.timeout(5s).call<menu>("today");  // never throws
    std::cout << menus.values.size() << " of " << menus.expected << " kitchens answered\n";
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

// [packets]
asio::awaitable<void> no_empty_dishes(socoro::socket&, socoro::any_event& event) {
    if (event.name == "order" && event.get<order>(0).dish.empty())
        throw socoro::refused("an order needs a dish");  // dropped, and told to a hook
    co_return;
}
// [/packets]

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

    // [families]
    io.of(std::regex("/table-\\d+"))  // each comes into being for its first client
        .on_connection(run_bar)
        .use_packets(no_empty_dishes);
    // [/families]
    io.of("/door").on_connection(wait_for_order);
    asio::co_spawn(context, ask_everybody(io), asio::detached);

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
        http.stop_listening();                           // nobody new comes in meanwhile
        co_await io.close(5s);    // tells the clients, waits for the handlers, cancels late ones
        co_await http.close(5s);  // answers the requests that have begun, cancels late ones
    };
    return example::run(context, listen, close);
    // [/stopping]
}
