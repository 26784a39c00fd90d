// SPDX-License-Identifier: BSL-1.0
// Receiving: events of given types are taken out of the inbox of a channel, or waited for.
#pragma once

#include <socoro/channel_core.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace socoro {

namespace detail {

template <typename E>
struct received {
    using type = E;
};
template <acknowledged_event E>
struct received<E> {
    using type = request<E>;
};

template <typename... Es>
struct received_any {
    using type = std::variant<typename received<Es>::type...>;
};
template <typename E>
struct received_any<E> {
    using type = typename received<E>::type;
};
template <>
struct received_any<> {
    using type = any_event;
};

}  // namespace detail

/// What `recv<Es...>` gives: an event, or a `request` for one that is acknowledged; of several
/// the variant; of none given, an `any_event`.
template <typename... Es>
using received_t = typename detail::received_any<Es...>::type;

namespace detail {

/// Reads the arguments of an event of the peer; one that does not fit is reported.
template <typename E>
[[nodiscard]] std::optional<received_t<E>> read_arguments_of(
    channel_core& core,
    incoming const& event) {
    value_reader reader(event.attachments);
    arguments_of_t<E> values;
    if (!read_arguments(event.list, 1, reader, values)) {
        core.on_misfit(event, reader.why());
        return std::nullopt;
    }
    if constexpr (acknowledged_event<E>)
        return request<E>(std::move(values), core.reply_to(event.id));
    else if constexpr (positional_event<E>)
        return std::make_from_tuple<E>(std::move(values));
    else
        return std::get<0>(std::move(values));
}

/// Reads an event as an `E`; one that does not fit is reported.
template <typename E>
[[nodiscard]] std::optional<received_t<E>> read_event(channel_core& core, incoming const& event) {
    if constexpr (lifecycle_event<E>)
        return *static_cast<E const*>(event.told.get());
    else
        return read_arguments_of<E>(core, event);
}

/// Takes events of these types out of the inbox of a channel; of any name if there are none.
template <typename... Es>
class receiver {
public:
    using value_type = received_t<Es...>;

    explicit receiver(channel_core& from) : from_(from) { from_.inbox().ask_for(names()); }

    [[nodiscard]] bool is_ready() const { return from_.inbox().contains(names()); }

    /// The oldest event that fits, if there is one.
    [[nodiscard]] std::optional<value_type> take() {
        std::optional<value_type> taken;
        while (!taken) {
            auto event = from_.inbox().take(names());
            if (!event)
                break;
            from_.on_taken();
            read(std::move(*event), taken);
        }
        return taken;
    }

private:
    [[nodiscard]] static std::span<std::string_view const> names() {
        static constexpr std::array<std::string_view, sizeof...(Es)> all{
            std::string_view(Es::event_name)...};
        return all;
    }

    void read(incoming&& event, std::optional<value_type>& into) {
        if constexpr (sizeof...(Es) == 0) {
            auto const id = event.id;
            into.emplace(std::move(event), from_.reply_to(id));
        } else {
            std::ignore = (read_as<Es>(event, into) || ...);
        }
    }

    /// Whether the event has the name of `E`.
    template <typename E>
    [[nodiscard]] bool read_as(incoming const& event, std::optional<value_type>& into) {
        if (event.name != E::event_name)
            return false;
        if (auto value = read_event<E>(from_, event))
            into.emplace(std::move(*value));
        return true;
    }

    channel_core& from_;
};

/// Lets others go first where several were started side by side and are ready, as `||` and
/// `first_of` do: the first to end cancels the rest, which must not have taken anything by then.
template <typename Executor>
[[nodiscard]] asio::awaitable<std::error_code, Executor> await_turn(
    std::shared_ptr<channel_core> core) {
    co_await asio::post(core->owner().get_executor(), asio::use_awaitable_t<Executor>());
    auto const state = co_await asio::this_coro::cancellation_state;
    bool const cancelled = state.cancelled() != asio::cancellation_type::none;
    co_return cancelled ? asio::error::operation_aborted : std::error_code();
}

/// Waits for the next event of these types.
template <typename Executor, typename... Es>
[[nodiscard]] asio::awaitable<received_t<Es...>, Executor> receive(
    std::shared_ptr<channel_core> core,
    std::optional<net::time_point> deadline) {
    receiver<Es...> events(*core);
    std::error_code failed;
    auto const state = co_await asio::this_coro::cancellation_state;
    if (core->may_race(state.slot()) && events.is_ready())
        failed = co_await await_turn<Executor>(core);
    while (!failed) {
        if (auto event = events.take())
            co_return std::move(*event);
        if (auto const reason = core->ended())
            failed = *reason;
        else
            failed = co_await core->wait<Executor>(deadline);
    }
    throw std::system_error(failed);
}

/// What is given to who asked not to be thrown at.
template <typename... Es>
using tried_event = std::tuple<std::error_code, received_t<Es...>>;

/// As `receive`, without exceptions.
template <typename Executor, typename... Es>
[[nodiscard]] asio::awaitable<tried_event<Es...>, Executor> try_receive(
    std::shared_ptr<channel_core> core,
    std::optional<net::time_point> deadline) {
    receiver<Es...> events(*core);
    tried_event<Es...> result;
    auto& failed = std::get<0>(result);
    auto const state = co_await asio::this_coro::cancellation_state;
    if (core->may_race(state.slot()) && events.is_ready())
        failed = co_await await_turn<Executor>(core);
    while (!failed) {
        if (auto event = events.take()) {
            std::get<1>(result) = std::move(*event);
            break;
        }
        if (auto const reason = core->ended())
            failed = *reason;
        else
            failed = co_await core->wait<Executor>(deadline);
    }
    co_return result;
}

}  // namespace detail

}  // namespace socoro
