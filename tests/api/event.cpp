// SPDX-License-Identifier: BSL-1.0
#include "api/scene.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace event_test {

struct message {
    static constexpr auto event_name = "message";
    std::string author, text;
};
BOOST_DESCRIBE_STRUCT(message, (), (author, text))

struct upload {
    static constexpr std::string_view event_name = "upload";
    using reply = std::string;
    std::string name;
    socoro::bytes content;
};
BOOST_DESCRIBE_STRUCT(upload, (), (name, content))

using joined = socoro::event<"user joined", std::string, int>;
using left_early = socoro::event<"left", std::string, std::optional<int>>;
using tick = socoro::event<"tick">;
using picture = socoro::event<"picture", socoro::bytes>;
using history = socoro::event<"history", std::vector<message>(int)>;
using minmax = socoro::event<"minmax", std::tuple<int, int>(std::vector<int>)>;
using flush = socoro::event<"flush", void()>;
using numbered = socoro::event<"17", int>;

static_assert(socoro::event_type<message> && socoro::event_type<joined>);
static_assert(!socoro::acknowledged_event<message> && !socoro::acknowledged_event<joined>);
static_assert(socoro::acknowledged_event<upload> && socoro::acknowledged_event<history>);
static_assert(!socoro::event_type<std::string> && !socoro::event_type<int>);
static_assert(joined::event_name == "user joined");
static_assert(std::tuple_size_v<joined> == 2 && std::tuple_size_v<tick> == 0);
static_assert(std::is_same_v<std::tuple_element_t<1, joined>, int>);
static_assert(std::is_same_v<socoro::received_t<message>, message>);
static_assert(std::is_same_v<socoro::received_t<history>, socoro::request<history>>);
static_assert(std::is_same_v<
              socoro::received_t<message, history>,
              std::variant<message, socoro::request<history>>>);

}  // namespace event_test

using namespace event_test;
namespace json = boost::json;

namespace {

/// A connected socket whose handler only stays.
struct connected {
    test::scene scene;
    std::optional<socoro::socket> socket;
    std::optional<test::client> client;

    connected() {
        scene.of("/").on_connection([this](socoro::socket s) -> asio::awaitable<void> {
            socket = s;
            co_await s.recv<socoro::event<"never">>();
        });
        client = scene.joined();
        REQUIRE(socket);
    }

    /// What a coroutine that has ended by now gave.
    template <typename T>
    T result(asio::awaitable<T> of) {
        auto const outcome = scene.world.spawn(std::move(of));
        REQUIRE(outcome->value.has_value());
        return std::move(*outcome->value);
    }
};

std::string text_of(std::exception_ptr const& failure) {
    return failure ? socoro::describe(failure) : "nothing";
}

}  // namespace

TEST_CASE("api/event: an event is emitted whole, or made of its arguments") {
    connected c;
    c.socket->emit(message{"me", "hi"});
    c.socket->emit<message>("me", "hi");
    c.socket->emit(joined("me", 2));
    c.socket->emit<joined>("me", 2);
    c.socket->emit<tick>();
    c.socket->emit(left_early("me", std::nullopt));
    CHECK(
        c.client->take() ==
        R"(2["message",{"author":"me","text":"hi"}] | 2["message",{"author":"me","text":"hi"}])"
        R"( | 2["user joined","me",2] | 2["user joined","me",2] | 2["tick"] | 2["left","me",null])");
    c.socket->emit<picture>(socoro::bytes{"png"});
    CHECK(c.client->take() == R"(51-["picture",{"_placeholder":true,"num":0}] | <png>)");
}

TEST_CASE("api/event: an event whose name is known at run time only takes any arguments") {
    connected c;
    std::string const name = "news";
    c.socket->emit(name);
    c.socket->emit("news", 1, std::string("two"), json::object{{"three", 3}});
    c.socket->emit("file", message{"me", "hi"}, socoro::bytes{"x"});
    CHECK(
        c.client->take() ==
        R"(2["news"] | 2["news",1,"two",{"three":3}] | )"
        R"(51-["file",{"author":"me","text":"hi"},{"_placeholder":true,"num":0}] | <x>)");
}

TEST_CASE("api/event: a reserved name cannot be emitted, not even under a received event") {
    connected c;
    for (std::string const name :
         {"connect",
          "connect_error",
          "disconnect",
          "disconnecting",
          "newListener",
          "removeListener"}) {
        CAPTURE(name);
        std::string said;
        try {
            c.socket->emit(name, 1);
        } catch (std::system_error const& e) {
            CHECK(e.code() == socoro::errc::reserved_event);
            said = e.what();
        }
        CHECK(said.starts_with("\"" + name + "\" is a reserved event name"));
        CHECK_THROWS_AS(c.scene.of("/").emit(name), std::system_error);
        CHECK_THROWS_AS(c.scene.of("/").to("room").emit(name), std::system_error);
    }
    c.client->send(R"(2["x"])");
    auto any = c.result(c.socket->recv());
    any.name = "disconnect";
    CHECK_THROWS_AS(c.socket->emit(any), std::system_error);
    // `error` is a name like any other, and so is what the reserved ones are part of.
    c.socket->emit("error");
    c.socket->emit("connecting");
    CHECK(c.client->take() == R"(2["error"] | 2["connecting"])");
}

TEST_CASE("api/event: an object argument is received as the structure") {
    connected c;
    c.client->send(R"(2["message",{"text":"hi","author":"me","more":1},"and more"])");
    auto const said = c.result(c.socket->recv<message>());
    CHECK(said.author == "me");
    CHECK(said.text == "hi");
}

TEST_CASE("api/event: positional arguments are received as a tuple, to be taken apart") {
    connected c;
    c.client->send(R"(2["user joined","me",3,"superfluous",{}])");
    auto const [name, count] = c.result(c.socket->recv<joined>());
    CHECK(name == "me");
    CHECK(count == 3);
    c.client->send(R"(2["left","you"])");
    auto const gone = c.result(c.socket->recv<left_early>());
    CHECK(std::get<0>(gone) == "you");
    CHECK_FALSE(std::get<1>(gone).has_value());
    c.client->send(R"(2["tick",1,2])");
    std::ignore = c.result(c.socket->recv<tick>());
    c.client->send(R"(51-["picture",{"_placeholder":true,"num":0}])");
    c.client->send_binary("png");
    auto const shown = c.result(c.socket->recv<picture>());
    CHECK(std::get<0>(shown).data == "png");
}

TEST_CASE("api/event: an event may have a number as its name") {
    connected c;
    c.client->send_together({"2[17,4]", "2[\"17\",5]", "2[1.5]", "2[1e21]", "2[-0.25,1]"});
    CHECK(std::get<0>(c.result(c.socket->recv<numbered>())) == 4);
    CHECK(std::get<0>(c.result(c.socket->recv<numbered>())) == 5);
    CHECK(c.result(c.socket->recv()).name == "1.5");
    CHECK(c.result(c.socket->recv()).name == "1e+21");
    CHECK(c.result(c.socket->recv()).name == "-0.25");
}

TEST_CASE("api/event: one of several events is received as a variant") {
    connected c;
    c.client->send_together({R"(21["history",5])", R"(2["user joined","me",1])"});
    auto const first = c.result(c.socket->recv<message, joined, history>());
    REQUIRE(first.index() == 2);
    CHECK(std::get<2>(first).args == 5);
    auto const second = c.result(c.socket->recv<message, joined, history>());
    REQUIRE(second.index() == 1);
    CHECK(std::get<0>(std::get<1>(second)) == "me");
}

TEST_CASE("api/event: an acknowledged event is a request with arguments and a reply") {
    connected c;
    c.client->send(R"(27["history",2])");
    auto const ask = c.result(c.socket->recv<history>());
    CHECK(ask.args == 2);
    CHECK(ask.is_awaited());
    std::vector<message> const replied{{"a", "b"}};
    ask.reply(replied);
    CHECK(c.client->take() == R"(37[[{"author":"a","text":"b"}]])");
    CHECK_FALSE(ask.is_awaited());

    c.client->send(R"(28["minmax",[3,1,2]])");
    auto const range = c.result(c.socket->recv<minmax>());
    CHECK(range.args == std::vector<int>{3, 1, 2});
    range.reply({1, 3});
    CHECK(c.client->take() == "38[1,3]");

    c.client->send(R"(29["flush"])");
    c.result(c.socket->recv<flush>()).reply();
    CHECK(c.client->take() == "39[]");

    c.client->send(R"(51-10["upload",{"name":"f","content":{"_placeholder":true,"num":0}}])");
    c.client->send_binary("data");
    auto const uploaded = c.result(c.socket->recv<upload>());
    CHECK(uploaded.args.content.data == "data");
    uploaded.reply("stored");
    CHECK(c.client->take() == R"(310["stored"])");
}

TEST_CASE("api/event: any event gives its arguments by type, and says which does not fit") {
    connected c;
    c.client->send(
        R"(52-3["x",1,"two",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])");
    c.client->send_binary("first");
    c.client->send_binary("second");
    auto const any = c.result(c.socket->recv());
    CHECK(any.name == "x");
    CHECK(any.args.size() == 4);
    CHECK(any.get<int>(0) == 1);
    CHECK(any.get<std::string>(1) == "two");
    CHECK(any.get<socoro::bytes>(2).data == "second");
    CHECK(any.get<socoro::bytes>(3).data == "first");
    CHECK_FALSE(any.get<std::optional<int>>(4).has_value());
    std::string said;
    try {
        std::ignore = any.get<int>(1);
    } catch (std::system_error const& e) {
        CHECK(e.code() == socoro::errc::invalid_payload);
        said = e.what();
    }
    CHECK(said.starts_with("argument 2 is not a whole number"));
    CHECK_THROWS_WITH_AS(
        std::ignore = any.get<int>(4),
        "argument 5 is not present: the arguments do not fit the event",
        std::system_error);
    // It is sent on as it came, under another name if it has one.
    auto copy = any;
    copy.name = "y";
    c.socket->emit(copy);
    CHECK(
        c.client->take() ==
        R"(52-["y",1,"two",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])"
        " | <first> | <second>");
    any.reply(1, socoro::bytes{"b"});
    copy.reply("again");
    CHECK(c.client->take() == R"(61-3[1,{"_placeholder":true,"num":0}] | <b>)");
}

TEST_CASE("api/event: a reply that does not fit is refused by the awaiting call") {
    connected c;
    auto const asking = [](socoro::socket s) -> asio::awaitable<int> {
        auto const range = co_await s.call<minmax>(std::vector<int>());
        co_return std::get<0>(range);
    };
    auto const short_of = c.scene.world.spawn(asking(*c.socket));
    CHECK(c.client->take() == R"(20["minmax",[]])");
    c.client->send("30[1]");
    CHECK(
        text_of(short_of->failure) ==
        "argument 2 is not present: the arguments do not fit the event");
    auto const wrong = c.scene.world.spawn(asking(*c.socket));
    c.client->send("31[1,\"2\"]");
    CHECK(
        text_of(wrong->failure) ==
        "argument 2 is not a whole number: the arguments do not fit the event");
    auto const right = c.scene.world.spawn(asking(*c.socket));
    c.client->send("32[1,2]");
    CHECK(right->value == 1);
}
