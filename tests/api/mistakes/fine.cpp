// SPDX-License-Identifier: BSL-1.0
// No mistake: this one compiles, so that the others do not fail for a reason of all of them.
#include <socoro/namespace.hpp>

enum class colour { red };
BOOST_DESCRIBE_ENUM(colour, red)

struct message {
    static constexpr auto event_name = "message";
    using reply = int;
    colour in;
};
BOOST_DESCRIBE_STRUCT(message, (), (in))

asio::awaitable<void> talk(socoro::socket socket) {
    socket.emit(message{colour::red});
    auto const ask = co_await socket.recv<message>();
    ask.reply(1);
    std::ignore = co_await socket.call<message>(colour::red);
}

using joined = socoro::event<"joined", int>;
using question = socoro::event<"question", int(int)>;
using chat = socoro::contract<socoro::receives<message>, socoro::sends<joined, question>>;

asio::awaitable<void> agree(chat::socket socket) {
    socket.emit<joined>(1);
    socket.broadcast().emit(joined(1));
    std::ignore = co_await socket.call<question>(1);
    std::ignore = co_await socket.serve([](socoro::request<message> const& r) { r.reply(1); });
}

void open(socoro::nsp const& nsp) {
    nsp.on_connection(talk).on_connection(agree);
    nsp.use_packets(
        [](socoro::socket&, socoro::any_event&) -> asio::awaitable<void> { co_return; });
}
