// SPDX-License-Identifier: BSL-1.0
// Events that servers send each other: who receives them, and what becomes of the answers.
#pragma once

#include <socoro/ack.hpp>
#include <socoro/adapter/message.hpp>
#include <socoro/contract.hpp>
#include <socoro/gathering.hpp>
#include <socoro/namespace_core.hpp>
#include <socoro/replies.hpp>
#include <socoro/sio/json_reader.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace socoro::detail {

/// Throws for a name that the reference keeps for itself among servers.
inline void refuse_reserved_server_side(std::string_view name) {
    constexpr std::array<std::string_view, 3> reserved{"connect", "connection", "new_namespace"};
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
        throw std::system_error(
            errc::reserved_event,
            "\"" + std::string(name) + "\" is a reserved event name");
}

/// The answers of servers to one of them.
class server_side_call final : public gathering {
public:
    using answers = group_answers;
    using gathering::gathering;

    void on_reply(adapter::answer_values&& values) {
        if (on_first)
            std::exchange(on_first, nullptr)(std::move(values));
        else
            got_.replies.push_back(to_reply(std::move(values)));
    }
    /// So many servers are asked.
    void on_asked(std::size_t servers) { got_.asked += servers; }
    void on_counted(std::size_t servers) override {
        on_asked(servers);
        gathering::on_counted(servers);
    }
    [[nodiscard]] group_answers take() {
        got_.is_known = is_answered();
        return std::exchange(got_, {});
    }

    /// Takes the first reply, instead of keeping it.
    std::function<void(adapter::answer_values&&)> on_first;

private:
    group_answers got_;
};

template <typename Executor, typename Reply>
[[nodiscard]] asio::awaitable<socoro::replies<Reply>, Executor> await_server_replies(
    std::shared_ptr<server_side_call> call,
    std::optional<net::time_point> deadline) {
    auto const got = co_await gather<Executor>(call, deadline);
    co_return to_replies<Reply>(got);
}

/// The event that was sent, made of its arguments. Throws `std::system_error` unless they fit.
template <typename E>
[[nodiscard]] E read_server_side(adapter::answer_values const& args) {
    arguments_of_t<E> values;
    value_reader reader(args.binary);
    if (!read_arguments(args.list, 0, reader, values))
        throw misfit_error(reader.why());
    if constexpr (positional_event<E>)
        return std::apply([](auto&&... each) { return E(std::move(each)...); }, std::move(values));
    else
        return std::get<0>(std::move(values));
}

template <typename... Values>
[[nodiscard]] adapter::answer_values to_values(Values const&... values) {
    std::string text = "[";
    adapter::answer_values out;
    write_values(text, out.binary, values...);
    text += ']';
    auto read = sio::parse_own_json(text);
    if (read.is_array())
        out.list = std::move(read.get_array());
    return out;
}

template <typename Reply>
[[nodiscard]] adapter::answer_values to_answer(Reply const& reply) {
    if constexpr (is_instance<Reply, std::tuple>)
        return std::apply([](auto const&... each) { return to_values(each...); }, reply);
    else
        return to_values(reply);
}

/// What awaiting a `T` gives, if it can be awaited.
template <typename T>
struct awaited {
    using type = T;
    using executor = void;
    static constexpr bool is_coroutine = false;
};
template <typename T, typename Executor>
struct awaited<asio::awaitable<T, Executor>> {
    using type = T;
    using executor = Executor;
    static constexpr bool is_coroutine = true;
};

/// What a receiver of this event gives, without the waiting.
template <typename E, typename Function>
using given_by = awaited<std::invoke_result_t<Function&, E>>;

/// Fails to compile, naming the mistake, for what cannot receive an event of a server.
template <typename Executor, typename E, typename Function>
[[nodiscard]] constexpr bool check_server_side() {
    static_assert(check_event<E>());
    static_assert(
        std::is_invocable_v<Function&, E>,
        "socoro: who receives an event of another server takes it as its only argument");
    if constexpr (std::is_invocable_v<Function&, E>) {
        using given = typename given_by<E, Function>::type;
        static_assert(
            !given_by<E, Function>::is_coroutine ||
                std::is_same_v<typename given_by<E, Function>::executor, Executor>,
            "socoro: a coroutine of a basic_server<E> is asio::awaitable<T, E>");
        static_assert(
            std::is_void_v<reply_of_t<E>> || std::is_convertible_v<given, reply_of_t<E>>,
            "socoro: this event is answered: give the reply that it declares");
    }
    return true;
}

template <typename E, typename Function>
[[nodiscard]] asio::awaitable<adapter::answer_values> receive_server_side(
    std::shared_ptr<Function> by,
    E event) {
    using reply = reply_of_t<E>;
    using given = given_by<E, Function>;
    if constexpr (given::is_coroutine) {
        auto task = net::erased((*by)(std::move(event)));
        if constexpr (std::is_void_v<reply>) {
            if constexpr (std::is_void_v<typename given::type>)
                co_await std::move(task);
            else
                std::ignore = co_await std::move(task);
            co_return adapter::answer_values();
        } else {
            reply const answer = co_await std::move(task);
            co_return to_answer(answer);
        }
    } else if constexpr (std::is_void_v<reply>) {
        static_cast<void>((*by)(std::move(event)));
        co_return adapter::answer_values();
    } else {
        reply const answer = (*by)(std::move(event));
        co_return to_answer(answer);
    }
}

/// What a namespace keeps of a function that receives `E`.
template <typename E, typename Function>
[[nodiscard]] server_side_receiver make_server_side_receiver(Function function) {
    auto const kept = std::make_shared<Function>(std::move(function));
    return [kept](adapter::answer_values const& args) {
        return receive_server_side<E>(kept, read_server_side<E>(args));
    };
}

/// What the handles of one namespace, and of a family of namespaces, receive of other servers.
template <typename Derived, typename Executor>
class receives_server_side {
public:
    /// Runs `function(event)` on every shard that an event `E` of another node comes to: see
    /// `server_side_emit`. It is a function or a coroutine, and may be one of several of the same
    /// event. What it gives is the answer, if the event has one; of several the first counts. It is
    /// a task of the server: `close` waits for it. An exception is told to the hook
    /// `handler_failed`, as are arguments that do not fit, and then there is no answer.
    template <typename E, typename Function>
    Derived const& on_server_side(Function function) const {
        static_assert(check_server_side<Executor, E, Function>());
        auto const kept = make_server_side_receiver<E>(std::move(function));
        auto const& self = static_cast<Derived const&>(*this);
        self.change([kept](namespace_rules& rules) {
            rules.server_side[std::string(E::event_name)].push_back(kept);
        });
        return self;
    }
};

}  // namespace socoro::detail
