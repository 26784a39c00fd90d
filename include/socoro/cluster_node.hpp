// SPDX-License-Identifier: BSL-1.0
// A server as one node among others: what its namespaces say goes to the adapter of the program
// once, and what others say goes to all its shards.
#pragma once

#include <socoro/adapter.hpp>
#include <socoro/base/random.hpp>
#include <socoro/carrying_out.hpp>
#include <socoro/net/clock.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace socoro::detail {

/// Lives on the first shard of the server; what says so may be used by any thread.
class cluster_node final : public cluster_receiver,
                           public std::enable_shared_from_this<cluster_node> {
public:
    cluster_node(
        std::shared_ptr<cluster_adapter> to,
        std::shared_ptr<server_shards const> const& of,
        std::shared_ptr<options const> opts)
        : adapter_(std::move(to))
        , shards_(of)
        , home_(of->owner(0))
        , options_(std::move(opts))
        , name_(make_name()) {}

    /// Tells the adapter; before anything runs.
    void start() { adapter_->start(name_, weak_from_this(), home_->get_executor()); }
    /// Nothing is said or heard any more.
    void stop();

    /// The server has this namespace. Any thread.
    void on_namespace(std::string const& name);

    /// Tells all other servers, in the order of the caller's thread. Any thread.
    void publish(std::string const& nsp, adapter::message said);

    /// A name for a request whose answers are gathered in `into`, before anybody is asked. They
    /// belong together until `into` goes. Any thread.
    template <typename Gathering>
    [[nodiscard]] std::string enroll(Gathering& into);

    /// The same as `publish`, for a request of that name. Any thread.
    template <typename Gathering>
    void request(
        std::string const& name,
        std::shared_ptr<Gathering> const& into,
        std::string const& nsp,
        adapter::message said);

    /// How long answers of other servers are waited for. Any thread.
    [[nodiscard]] net::duration patience() const noexcept { return options_->requests_timeout; }

    void on_message(std::shared_ptr<adapter::envelope const> said) override;

private:
    using pending = std::variant<
        std::weak_ptr<group_call>,
        std::weak_ptr<fetched_sockets>,
        std::weak_ptr<server_side_call>>;
    /// A call of another server to the sockets of this one.
    struct answering {
        answering(std::shared_ptr<group_call> call, std::function<void()> end)
            : timer(call->owner()->clock(), std::move(end))
            , asked(std::move(call)) {}

        net::timer timer;
        group_guard asked;
    };
    struct question {
        std::string node, nsp, name;
    };

    [[nodiscard]] static std::string make_name();
    template <typename Task>
    void on_home(Task task) {
        if (home_->is_in_order())
            task(*this);
        else
            home_->submit(
                [self = shared_from_this(), task = std::move(task)]() mutable { task(*self); });
    }
    template <typename Gathering>
    [[nodiscard]] std::shared_ptr<Gathering> find(std::string const& name) const;
    void answer(question const& to, adapter::message said);

    void receive(adapter::envelope const& said, adapter::broadcast const& event);
    template <typename Order>
    void receive(adapter::envelope const& said, Order const& order);
    void receive(adapter::envelope const& said, adapter::fetch_sockets const& asked);
    void receive(adapter::envelope const& said, adapter::server_side_emit const& event);
    void receive(adapter::envelope const&, adapter::fetch_sockets_response const& got);
    void receive(adapter::envelope const&, adapter::server_side_emit_response const& got);
    void receive(adapter::envelope const&, adapter::broadcast_client_count const& got);
    void receive(adapter::envelope const&, adapter::broadcast_ack const& got);
    void ask(question const& from, adapter::broadcast const& event);

    std::shared_ptr<cluster_adapter> adapter_;
    std::weak_ptr<server_shards const> shards_;
    std::shared_ptr<net::shard> home_;
    std::shared_ptr<options const> options_;
    std::string name_;
    std::atomic<std::uint64_t> next_request_ = 0;
    std::map<std::string, pending> requests_;
    std::uint64_t next_answering_ = 0;
    std::map<std::uint64_t, std::shared_ptr<answering>> answering_;
    std::set<std::string> namespaces_;
};

/// 16 hexadecimal digits, as in the reference.
inline std::string cluster_node::make_name() {
    std::string name;
    std::string_view const digits = "0123456789abcdef";
    for (unsigned char const byte : random_bytes(8))
        (name += digits[byte / 16U]) += digits[byte % 16U];
    return name;
}

inline void cluster_node::stop() {
    if (auto const stopped = std::exchange(adapter_, nullptr))
        stopped->stop();
    auto const ended = std::exchange(answering_, {});
}

inline void cluster_node::on_namespace(std::string const& name) {
    on_home([name](cluster_node& self) {
        if (self.adapter_ && self.namespaces_.insert(name).second)
            self.adapter_->on_namespace(name);
    });
}

inline void server_shards::announce(std::string const& nsp) const {
    if (cluster_)
        cluster_->on_namespace(nsp);
}

inline void cluster_node::publish(std::string const& nsp, adapter::message said) {
    auto const whole =
        std::make_shared<adapter::envelope const>(adapter::envelope{name_, nsp, std::move(said)});
    on_home([whole](cluster_node& self) {
        if (self.adapter_)
            self.adapter_->publish(whole);
    });
}

inline void cluster_node::answer(question const& to, adapter::message said) {
    if (adapter_)
        adapter_->answer(
            to.node,
            std::make_shared<adapter::envelope const>(
                adapter::envelope{name_, to.nsp, std::move(said)}));
}

template <typename Gathering>
std::string cluster_node::enroll(Gathering& into) {
    auto name = std::to_string(next_request_++);
    into.start_counting();
    into.enrolled = std::shared_ptr<void>(nullptr, [weak = weak_from_this(), name](void*) {
        if (auto const self = weak.lock())
            self->on_home([name](cluster_node& node) { node.requests_.erase(name); });
    });
    return name;
}

template <typename Gathering>
void cluster_node::request(
    std::string const& name,
    std::shared_ptr<Gathering> const& into,
    std::string const& nsp,
    adapter::message said) {
    auto const whole =
        std::make_shared<adapter::envelope const>(adapter::envelope{name_, nsp, std::move(said)});
    on_home([name, into, whole](cluster_node& self) {
        auto const counted = [into](std::size_t nodes) {
            tell(into, [nodes](Gathering& all) { all.on_counted(nodes); });
        };
        if (!self.adapter_)
            return counted(0);
        self.requests_.emplace(name, std::weak_ptr<Gathering>(into));
        self.adapter_->count_nodes(whole->nsp, counted);
        self.adapter_->publish(whole);
    });
}

template <typename Gathering>
std::shared_ptr<Gathering> cluster_node::find(std::string const& name) const {
    auto const found = requests_.find(name);
    auto const* const weak =
        found == requests_.end() ? nullptr : std::get_if<std::weak_ptr<Gathering>>(&found->second);
    return weak ? weak->lock() : nullptr;
}

inline void cluster_node::on_message(std::shared_ptr<adapter::envelope const> said) {
    if (said->from == name_)
        return;
    on_home([said = std::move(said)](cluster_node& self) {
        if (self.adapter_)
            std::visit([&](auto const& content) { self.receive(*said, content); }, said->content);
    });
}

/// Somebody else wrote the event: a parser may not be able to write it again.
inline void cluster_node::receive(adapter::envelope const& said, adapter::broadcast const& event) {
    if (event.request)
        return ask({said.from, said.nsp, *event.request}, event);
    auto const shards = shards_.lock();
    if (!shards)
        return;
    try {
        namespace_ref const nsp(shards, said.nsp, options_->parser);
        auto frames = nsp.make_frames(std::nullopt, event.event.encoded(event.whom.compress));
        nsp.spread(std::move(frames), event.event.name, event.whom, false);
    } catch (...) {
        notify(options_->hooks.handler_failed, said.nsp, describe(std::current_exception()));
    }
}

template <typename Order>
void cluster_node::receive(adapter::envelope const& said, Order const& order) {
    if (auto const shards = shards_.lock())
        carry_out_on(*shards, shard_range::all(), said.nsp, std::make_shared<Order const>(order));
}

inline void cluster_node::ask(question const& from, adapter::broadcast const& event) {
    auto const shards = shards_.lock();
    if (!shards)
        return;
    auto const call = net::make_on_shard<group_call>(home_, home_);
    auto const number = next_answering_++;
    auto const weak = weak_from_this();
    // What runs now may belong to it.
    auto const end = [weak, number, home = home_] {
        home->defer([weak, number] {
            if (auto const self = weak.lock())
                self->answering_.erase(number);
        });
    };
    call->on_each = [weak, from](sio::packet&& reply) {
        auto const self = weak.lock();
        if (!self)
            return;
        adapter::answer_values values;
        if (reply.data && reply.data->is_array())
            values.list = std::move(reply.data->get_array());
        values.binary = std::move(reply.attachments);
        self->answer(from, adapter::broadcast_ack{from.name, std::move(values)});
    };
    call->on_known = [weak, from](std::size_t asked) {
        if (auto const self = weak.lock())
            self->answer(from, adapter::broadcast_client_count{from.name, asked});
    };
    call->on_complete = end;
    call->expect(shards->size());
    auto const kept = std::make_shared<answering>(call, end);
    kept->timer.arm(home_->now() + event.whom.timeout.value_or(patience()));
    answering_.emplace(number, kept);
    try {
        auto const request = std::make_shared<adapter::broadcast const>(event);
        ask_on(*shards, shard_range::all(), from.nsp, request, kept->asked);
    } catch (...) {
        notify(options_->hooks.handler_failed, from.nsp, describe(std::current_exception()));
    }
}

inline void cluster_node::receive(
    adapter::envelope const& said,
    adapter::fetch_sockets const& asked) {
    auto const shards = shards_.lock();
    if (!shards)
        return;
    auto const found = net::make_on_shard<fetched_sockets>(home_, home_);
    found->expect(shards->size());
    found->on_complete = [weak = weak_from_this(),
                          from = question{said.from, said.nsp, asked.request},
                          all = found.get()] {
        if (auto const self = weak.lock())
            self->answer(from, adapter::fetch_sockets_response{from.name, all->take().sockets});
    };
    fetch_on(*shards, shard_range::all(), said.nsp, asked.whom.target, found);
}

/// Every shard is told, and the first that answers does so for the server.
inline void cluster_node::receive(
    adapter::envelope const& said,
    adapter::server_side_emit const& event) {
    auto const shards = shards_.lock();
    if (!shards)
        return;
    std::shared_ptr<server_side_call> call;
    if (event.request) {
        call = net::make_on_shard<server_side_call>(home_, home_);
        call->expect(shards->size());
        call->on_first = [weak = weak_from_this(),
                          from = question{said.from, said.nsp, *event.request}](
                             adapter::answer_values&& values) {
            if (auto const self = weak.lock())
                self->answer(
                    from,
                    adapter::server_side_emit_response{from.name, std::move(values)});
        };
    }
    auto const text = std::make_shared<adapter::event_text const>(event.event);
    server_side_on(*shards, shard_range::all(), said.nsp, text, call);
}

inline void cluster_node::receive(
    adapter::envelope const&,
    adapter::fetch_sockets_response const& got) {
    if (auto const into = find<fetched_sockets>(got.request))
        tell(into, [sockets = got.sockets](fetched_sockets& all) mutable {
            all.add(std::move(sockets));
            all.on_answered();
        });
}

inline void cluster_node::receive(
    adapter::envelope const&,
    adapter::server_side_emit_response const& got) {
    if (auto const into = find<server_side_call>(got.request))
        tell(into, [values = got.values](server_side_call& all) mutable {
            all.on_reply(std::move(values));
            all.on_answered();
        });
}

inline void cluster_node::receive(
    adapter::envelope const&,
    adapter::broadcast_client_count const& got) {
    if (auto const into = find<group_call>(got.request))
        tell(into, [count = got.count](group_call& all) {
            all.on_asked(count);
            all.on_answered();
        });
}

inline void cluster_node::receive(adapter::envelope const&, adapter::broadcast_ack const& got) {
    if (auto const into = find<group_call>(got.request))
        tell(into, [values = got.values](group_call& all) mutable {
            all.on_reply(to_reply(std::move(values)));
        });
}

}  // namespace socoro::detail
