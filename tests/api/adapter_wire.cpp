// SPDX-License-Identifier: BSL-1.0
// Servers that an adapter connects: here one that speaks JSON text as the reference's cluster
// adapters do, in memory. Expected texts follow socket.io-adapter 2.5 (cluster-adapter.js).
#include <socoro/adapter/envelope.hpp>

#include "shards.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace std::chrono_literals;

namespace {

using test::shards;
namespace net = socoro::net;
namespace json = socoro::json;

using news = socoro::event<"news", int>;
using picture = socoro::event<"picture", socoro::bytes, int>;
using ask = socoro::event<"ask", std::string(int)>;
using reload = socoro::event<"reload", std::string>;
using load = socoro::event<"load", int(int)>;

/// What all nodes are connected to. A node that is not one of ours may be added, and says nothing.
struct bus {
    struct message {
        std::string text;
        std::vector<std::string> binary;
    };
    struct node {
        std::string name;
        std::weak_ptr<socoro::cluster_receiver> told;
        asio::any_io_executor ex;
        std::vector<std::string> namespaces;
    };

    /// Gives it to one node, or to all but who sent it.
    void carry(std::string const& from, std::string const& to, message const& sent) {
        said.push_back(sent.text);
        for (auto const& [name, each] : nodes)
            if (to.empty() ? name != from : name == to)
                deliver(*each, sent);
    }
    /// What a node that is not ours says.
    void inject(std::string const& text, std::vector<std::string> binary = {}) {
        for (auto const& [name, each] : nodes)
            deliver(*each, {text, binary});
    }
    static void deliver(node const& to, message const& sent) {
        asio::post(to.ex, [told = to.told, sent] {
            socoro::adapter::wire_envelope wire{json::parse(sent.text).as_object(), sent.binary};
            auto read = socoro::adapter::from_wire(std::move(wire));
            auto const receiver = told.lock();
            if (read && receiver)
                receiver->on_message(
                    std::make_shared<socoro::adapter::envelope const>(std::move(*read)));
        });
    }

    std::map<std::string, std::shared_ptr<node>> nodes;
    std::size_t silent_nodes = 0;
    std::vector<std::string> said;
};

class bus_adapter final : public socoro::cluster_adapter {
public:
    explicit bus_adapter(std::shared_ptr<bus> on) : bus_(std::move(on)) {}

    void start(
        std::string const& node,
        std::weak_ptr<socoro::cluster_receiver> told,
        asio::any_io_executor const& ex) override {
        name_ = node;
        auto const made = std::make_shared<bus::node>(bus::node{node, std::move(told), ex, {}});
        bus_->nodes.emplace(node, made);
    }
    void on_namespace(std::string const& name) override {
        bus_->nodes.at(name_)->namespaces.push_back(name);
    }
    void publish(std::shared_ptr<socoro::adapter::envelope const> said) override {
        send({}, *said);
    }
    void answer(std::string const& node, std::shared_ptr<socoro::adapter::envelope const> said)
        override {
        send(node, *said);
    }
    void count_nodes(std::string const&, std::function<void(std::size_t)> tell) override {
        tell(bus_->nodes.size() - 1 + bus_->silent_nodes);
    }
    void stop() override { bus_->nodes.erase(name_); }

private:
    void send(std::string const& to, socoro::adapter::envelope const& said) {
        auto wire = socoro::adapter::to_wire(said);
        bus_->carry(name_, to, {json::serialize(wire.content), std::move(wire.binary)});
    }

    std::shared_ptr<bus> bus_;
    std::string name_;
};

socoro::options on_bus(std::shared_ptr<bus> const& link) {
    socoro::options opts;
    opts.adapter = std::make_shared<bus_adapter>(link);
    return opts;
}

/// Two servers, of two shards and of one.
struct service {
    void run() {
        for (int i = 0; i < 8; ++i) {
            a.run();
            b.run();
        }
    }
    void advance(net::duration by) {
        run();
        a.clock->advance(by);
        b.clock->advance(by);
        run();
    }
    /// What was said since, with the names of nodes and without numbers of requests.
    std::vector<std::string> take_said() {
        run();
        auto all = std::exchange(link->said, {});
        for (auto& text : all)
            for (auto const& [name, each] : link->nodes)
                if (auto const at = text.find(name); at != std::string::npos)
                    text.replace(at, name.size(), "UID");
        return all;
    }

    std::shared_ptr<bus> link = std::make_shared<bus>();
    shards a{2, on_bus(link)};
    shards b{2, on_bus(link)};
};

template <typename Reply, typename Make>
auto asking(Make make) -> asio::awaitable<socoro::replies<Reply>> {
    auto asked = make();
    co_return co_await std::move(asked);
}

std::vector<int> take_news(socoro::test::client const& client) {
    std::vector<int> all;
    while (auto const next = client.take<news>())
        all.push_back(std::get<0>(*next));
    return all;
}

template <typename T>
std::vector<T> sorted(std::vector<T> list) {
    std::sort(list.begin(), list.end());
    return list;
}

}  // namespace

TEST_CASE("api/adapter_wire: broadcasts reach the clients of all servers, once for each server") {
    service s;
    auto const one = s.a.connect(0);
    auto const two = s.a.connect(1);
    auto const three = s.b.connect(0);
    auto const four = s.b.connect(1);
    s.run();
    REQUIRE(s.link->nodes.size() == 2);
    s.a.on(1, [&] { s.a.io.volatile_().except("x").compress(false).emit<news>(1); });
    auto const said = s.take_said();
    REQUIRE(said.size() == 1);
    CHECK(
        said.front() ==
        R"({"uid":"UID","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":["x"],)"
        R"("flags":{"volatile":true,"compress":false}},"packet":{"type":2,"data":["news",1]}}})");
    s.b.io.emit<news>(2);
    s.run();
    for (auto const& client : {one, two, three, four})
        CHECK(take_news(client) == std::vector{1, 2});
    CHECK(s.link->nodes.begin()->second->namespaces == std::vector<std::string>{"/"});

    s.a.io.emit<picture>(socoro::bytes(std::string("\0\xff", 2)), 5);
    s.run();
    auto const seen = four.take<picture>();
    REQUIRE(seen);
    CHECK(std::get<0>(*seen).data == std::string("\0\xff", 2));
    s.a.io.local().emit<news>(3);
    s.a.io.of("/other").emit<news>(4);
    s.take_said();
    CHECK(take_news(one) == std::vector{3});
    CHECK(take_news(two).empty());
    CHECK(take_news(three).empty());
}

TEST_CASE("api/adapter_wire: a call collects the replies of the clients of all servers") {
    service s;
    auto const one = s.a.connect(0);
    auto const two = s.b.connect(0);
    auto const three = s.b.connect(1);
    s.take_said();
    auto const got =
        s.a.start(1, asking<std::string>([&] { return s.a.io.timeout(1s).call<ask>(7); }));
    auto const said = s.take_said();
    REQUIRE(said.size() == 2);
    CHECK(
        said[0] ==
        R"({"uid":"UID","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],)"
        R"("flags":{"timeout":1000}},"packet":{"type":2,"data":["ask",7]},"requestId":"0"}})");
    CHECK(
        said[1] == R"({"uid":"UID","nsp":"/","type":11,"data":{"requestId":"0","clientCount":2}})");
    one.take<ask>()->reply("1");
    two.take<ask>()->reply("2");
    CHECK(
        s.take_said() ==
        std::vector<std::string>{
            R"({"uid":"UID","nsp":"/","type":12,"data":{"requestId":"0","packet":"2"}})"});
    CHECK_FALSE(got->done());
    three.take<ask>()->reply("3");
    s.run();
    REQUIRE(got->value);
    CHECK(got->value->complete);
    CHECK(got->value->expected == 3);
    CHECK(sorted(got->value->values) == std::vector<std::string>{"1", "2", "3"});
}

TEST_CASE("api/adapter_wire: sockets of other servers are found and used") {
    service s;
    auto const one = s.a.connect(1);
    auto const two = s.b.connect(1);
    s.run();
    std::optional<std::vector<socoro::remote_socket>> found;
    auto const finding = [](shards& in, auto& into) -> asio::awaitable<void> {
        auto all = co_await in.io.fetch_sockets();
        into.emplace(std::move(all));
    };
    asio::co_spawn(s.a.owners[0]->get_executor(), finding(s.a, found), asio::detached);
    auto const said = s.take_said();
    REQUIRE(said.size() == 2);
    CHECK(
        said[0] ==
        R"({"uid":"UID","nsp":"/","type":7,"data":{"opts":{"rooms":[],"except":[],"flags":{}},)"
        R"("requestId":"0"}})");
    CHECK(said[1].starts_with(
        R"({"uid":"UID","nsp":"/","type":8,"data":{"requestId":"0","sockets":[{"id":")" + two.id() +
        R"(","handshake":{"headers":{)"));
    CHECK(said[1].ends_with(R"("rooms":[")" + two.id() + R"("],"data":{}}]}})"));
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK(found->at(1).handshake.at("address") == "in memory");

    auto const& far = found->at(1);
    REQUIRE(far.id == two.id());
    far.join({"club", "den"});
    s.a.io.to("club").emit<news>(1);
    far.leave("club");
    s.a.io.to("club").emit<news>(2);
    s.a.io.sockets_join("all");
    s.run();
    s.b.io.to("all").emit<news>(3);
    far.disconnect();
    auto const orders = s.take_said();
    CHECK(take_news(two) == std::vector{1, 3});
    CHECK(take_news(one) == std::vector{3});
    CHECK_FALSE(two.connected());
    CHECK(one.connected());
    auto const opts = R"("opts":{"rooms":[")" + two.id() + R"("],"except":[],"flags":{}})";
    auto const begin = std::string(R"({"uid":"UID","nsp":"/","type":)");
    CHECK(orders.at(0) == begin + R"(4,"data":{)" + opts + R"(,"rooms":["club","den"]}})");
    CHECK(orders.at(2) == begin + R"(5,"data":{)" + opts + R"(,"rooms":["club"]}})");
    auto const is_disconnect = [&](std::string const& text) {
        return text == begin + R"(6,"data":{)" + opts + R"(,"close":false}})";
    };
    CHECK(std::count_if(orders.begin(), orders.end(), is_disconnect) == 1);
}

TEST_CASE("api/adapter_wire: servers send events to each other, and answer") {
    service s;
    std::vector<std::string> got;
    for (auto* const each : {&s.a, &s.b}) {
        each->io.on_server_side<reload>([&got, each, &s](reload const& event) {
            for (std::size_t i = 0; i < 2; ++i)
                if (each->owners[i]->is_here())
                    got.push_back(
                        (each == &s.a ? "a" : "b") + std::to_string(i) + std::get<0>(event));
        });
        each->io.on_server_side<load>(
            [each, &s](load const& event) { return std::get<0>(event) + (each == &s.a ? 1 : 2); });
    }
    s.take_said();
    s.a.on(0, [&] { s.a.io.server_side_emit<reload>("!"); });
    CHECK(
        s.take_said() ==
        std::vector<std::string>{
            R"({"uid":"UID","nsp":"/","type":9,"data":{"packet":["reload","!"]}})"});
    CHECK(sorted(got) == std::vector<std::string>{"a1!", "b0!", "b1!"});

    auto const answers =
        s.a.start(0, asking<int>([&] { return s.a.io.server_side_call<load>(10); }));
    auto const said = s.take_said();
    REQUIRE(said.size() == 2);
    CHECK(
        said[0] ==
        R"({"uid":"UID","nsp":"/","type":9,"data":{"requestId":"0","packet":["load",10]}})");
    CHECK(said[1] == R"({"uid":"UID","nsp":"/","type":10,"data":{"requestId":"0","packet":12}})");
    REQUIRE(answers->value);
    CHECK(sorted(answers->value->values) == std::vector{11, 12});
    CHECK(answers->value->expected == 2);
    CHECK(answers->value->complete);
}

TEST_CASE("api/adapter_wire: a server that says nothing is waited for no longer than allowed") {
    service s;
    auto const one = s.a.connect(0);
    s.link->silent_nodes = 1;
    auto const call = s.a.start(0, asking<std::string>([&] { return s.a.io.call<ask>(7); }));
    auto const asked = s.a.start(0, asking<int>([&] { return s.a.io.server_side_call<load>(1); }));
    std::optional<std::error_code> failed;
    auto const finding = [](shards& in, auto& why) -> asio::awaitable<void> {
        try {
            auto const all = co_await in.io.fetch_sockets();
        } catch (std::system_error const& e) {
            why = e.code();
        }
    };
    asio::co_spawn(s.a.owners[0]->get_executor(), finding(s.a, failed), asio::detached);
    one.take<ask>()->reply("1");
    s.advance(4999ms);
    CHECK_FALSE(call->done());
    CHECK_FALSE(asked->done());
    CHECK_FALSE(failed);
    s.advance(1ms);
    REQUIRE(call->value);
    CHECK(call->value->values == std::vector<std::string>{"1"});
    CHECK_FALSE(call->value->complete);
    REQUIRE(asked->value);
    CHECK(asked->value->expected == 3);
    CHECK_FALSE(asked->value->complete);
    CHECK(failed == make_error_code(socoro::errc::timeout));
}

TEST_CASE("api/adapter_wire: a node of the reference is understood, and nonsense is passed over") {
    service s;
    auto const one = s.a.connect(1);
    s.run();
    s.link->inject(
        R"({"uid":"emitter","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],"flags":{}},)"
        R"("packet":{"type":2,"data":["news",1],"nsp":"/"}}})");
    s.run();
    CHECK(take_news(one) == std::vector{1});
    s.take_said();
    s.link->inject(
        R"({"uid":"0011223344556677","nsp":"/","type":3,"data":{"opts":{"rooms":[")" + one.id() +
        R"("],"except":[],"flags":{"timeout":500}},"packet":{"type":2,"data":["ask",1]},)"
        R"("requestId":"deadbeef"}})");
    s.run();
    REQUIRE(one.take<ask>());
    auto const counts = s.take_said();
    CHECK(
        sorted(counts) ==
        std::vector<std::string>{
            R"({"uid":"UID","nsp":"/","type":11,"data":{"requestId":"deadbeef","clientCount":0}})",
            R"({"uid":"UID","nsp":"/","type":11,"data":{"requestId":"deadbeef","clientCount":1}})"});
    for (
        auto const* const text :
        {R"({})",
         R"({"uid":"x","nsp":"/","type":2})",
         R"({"uid":"x","nsp":"/","type":3,"data":{}})",
         R"({"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[1],"except":[],"flags":{}}}})",
         R"({"uid":"x","nsp":"/","type":12,"data":{"requestId":"99","packet":1}})",
         R"({"uid":"x","nsp":"/nowhere","type":7,"data":{"opts":{"rooms":[],"except":[]},"requestId":"1"}})",
         R"({"uid":"x","nsp":"/","type":99,"data":{}})"})
        s.link->inject(text);
    s.run();
    s.link->inject(
        R"({"uid":"x","nsp":"/","type":6,"data":{"opts":{"rooms":[],"except":[],"flags":{}},)"
        R"("close":true}})");
    s.run();
    CHECK_FALSE(one.connected());
}

TEST_CASE("api/adapter_wire: a server that has closed says nothing, and is told nothing") {
    auto const link = std::make_shared<bus>();
    shards a(2, on_bus(link));
    {
        shards b(2, on_bus(link));
        b.run();
        CHECK(link->nodes.size() == 2);
        b.io.close();
        b.run();
        CHECK(link->nodes.size() == 1);
        b.io.emit<news>(1);
        b.run();
    }
    a.io.emit<news>(2);
    a.run();
    CHECK(link->said.size() == 1);
}
