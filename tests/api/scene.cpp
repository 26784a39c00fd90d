// SPDX-License-Identifier: BSL-1.0
#include "scene.hpp"

#include <socoro/server_core.hpp>

#include <doctest/doctest.h>

namespace test {

namespace {

void add(std::string& list, std::string const& entry) {
    list += (list.empty() ? "" : " | ") + entry;
}

[[nodiscard]] socoro::options reporting(
    socoro::options opts,
    std::shared_ptr<std::string> const& reports) {
    opts.hooks.invalid = [reports](socoro::invalid_payload const& e) {
        std::string entry = "invalid ";
        entry.append(e.event).append(": ").append(e.where).append(" is not ").append(e.expected);
        add(*reports, entry);
    };
    opts.hooks.dropped = [reports](socoro::dropped_event const& e) {
        add(*reports, "dropped " + std::string(e.event));
    };
    opts.hooks.violated = [reports](socoro::violation const& e) {
        add(*reports, std::string(e.protocol) + ": " + e.why.message());
    };
    opts.hooks.handler_failed = [reports](std::string_view where, std::string_view what) {
        add(*reports, std::string(where) + " failed: " + std::string(what));
    };
    opts.hooks.connection_error = [reports](socoro::connection_error const& e) {
        add(*reports, "refused: " + std::string(e.message));
    };
    return opts;
}

/// What a frame, as the WebSocket peer describes it, says in terms of packets.
[[nodiscard]] std::string packet_of(std::string const& frame) {
    if (frame.starts_with("text:4"))
        return frame.substr(6);
    if (frame.starts_with("text:"))
        return "eio:" + frame.substr(5);
    if (frame.starts_with("binary:"))
        return "<" + frame.substr(7) + ">";
    return frame.starts_with("close:") ? "closed" : frame;
}

}  // namespace

void client::send(std::string_view packet) {
    peer_.text("4" + std::string(packet));
    world_->run();
}

void client::send_binary(std::string_view bytes) {
    peer_.send(ws::opcode::binary, bytes);
    world_->run();
}

void client::send_together(std::vector<std::string> const& packets) {
    std::string frames;
    for (auto const& packet : packets)
        frames += peer_.frame(ws::opcode::text, "4" + packet);
    peer_.raw.send(frames);
    world_->run();
}

void client::pong() {
    peer_.text("3");
    world_->run();
}

void client::vanish(std::error_code why) {
    peer_.raw.vanish(why);
    world_->run();
}

std::string client::take() {
    world_->run();
    std::string all;
    for (auto const& frame : peer_.take()) {
        auto packet = packet_of(frame);
        auto const sid = packet.find("{\"sid\":\"");
        if (sid != std::string::npos) {
            id = packet.substr(sid + 8, 20);
            packet.replace(sid + 8, packet.find('"', sid + 8) - sid - 8, "ID");
        }
        add(all, packet);
    }
    return all;
}

bool client::join(std::string_view nsp) {
    auto const prefix = nsp == "/" ? std::string() : std::string(nsp) + ",";
    send("0" + prefix);
    return take().starts_with("0" + prefix + "{\"sid\":\"ID\"}");
}

std::string poller::target() const {
    return "/socket.io/?EIO=4&transport=polling" + (sid_.empty() ? sid_ : "&sid=" + sid_);
}

void poller::open() {
    poll();
    auto const body = answer();
    REQUIRE(body.starts_with("0{\"sid\":\""));
    sid_ = body.substr(9, 20);
}

int poller::send(std::string_view packet) {
    posts_.send(post(target(), "4" + std::string(packet)));
    world_->run();
    auto bytes = posts_.take();
    return take_answer(bytes).status;
}

void poller::poll() {
    gets_.send(get(target()));
    world_->run();
}

std::string poller::answer() {
    world_->run();
    got_ += gets_.take();
    auto const next = take_answer(got_);
    if (next.status != 200)
        return "status " + std::to_string(next.status);
    std::string shown;
    for (char const c : next.body)
        shown += c == '\x1e' ? std::string(" | ") : std::string(1, c);
    return shown;
}

scene::scene(socoro::options opts)
    : core_(std::make_shared<socoro::detail::server_core>(
          world.shard,
          reporting(std::move(opts), reports_)))
    , http_(std::make_shared<socoro::net::http_server_core>(
          world.shard,
          nullptr,
          socoro::net::http_server_options())) {
    core_->start();
    core_->attach(*http_);
}

scene::~scene() {
    core_->close();
    http_->close();
    world.run();
}

socoro::nsp scene::of(std::string name) {
    return socoro::nsp(core_->of(std::move(name)));
}

socoro::nsp_family scene::family(socoro::namespace_predicate allows) {
    auto const rule = std::make_shared<socoro::detail::parent_core>();
    rule->allows = std::move(allows);
    core_->namespaces().add_parent(rule);
    return {core_->shards(), std::vector{rule}};
}

socoro::detail::namespace_core& scene::core_of(std::string name) {
    return *core_->of(std::move(name))->here();
}

memory_peer scene::open_connection() {
    memory_connection connection(world.shard);
    http_->serve(connection.stream);
    return connection.peer;
}

client scene::connect(std::string_view query, std::string_view fields) {
    auto const raw = open_connection();
    std::string const target = "/socket.io/?EIO=4&transport=websocket";
    raw.send(get(target + std::string(query), std::string(upgrade_fields) + std::string(fields)));
    world.run();
    // The head of the answer and the open packet are the engine's affair.
    REQUIRE(raw.take().starts_with("HTTP/1.1 101 "));
    return {world, raw};
}

client scene::joined(std::string_view nsp) {
    auto made = connect();
    REQUIRE(made.join(nsp));
    return made;
}

poller scene::connect_polling() {
    poller made(world, open_connection(), open_connection());
    made.open();
    return made;
}

void scene::close() {
    core_->close();
    world.run();
}

std::size_t scene::sessions() const {
    return core_->engine().sessions();
}

std::string scene::reports() {
    return std::exchange(*reports_, {});
}

}  // namespace test
