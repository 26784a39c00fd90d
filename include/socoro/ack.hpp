// SPDX-License-Identifier: BSL-1.0
// Acknowledgements: a call that waits for the peer's reply, and the reply to a peer's request.
#pragma once

#include <socoro/event.hpp>
#include <socoro/inbox.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/sio/packet.hpp>

#include <boost/json.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

namespace detail {

/// Who waits for a reply.
class reply_sink {
public:
    virtual ~reply_sink() = default;
    /// The reply came.
    virtual void answer(sio::packet&& packet) = 0;
    /// No reply will come.
    virtual void fail(std::error_code ec) = 0;
};

/// A call whose reply has not come yet.
struct pending_call final : reply_sink {
    explicit pending_call(net::shard& owner) : ended(owner) {}

    void answer(sio::packet&& packet) override {
        reply = std::move(packet);
        ended.notify_all();
    }

    void fail(std::error_code ec) override {
        why = ec;
        ended.notify_all();
    }

    std::optional<sio::packet> reply;
    std::error_code why;
    net::signal ended;
};

/// Takes a call out of the table of its socket when nobody waits for it any more.
class call_guard {
public:
    call_guard(std::shared_ptr<pending_call> call, std::function<void()> forget)
        : call_(std::move(call))
        , forget_(std::move(forget)) {}
    call_guard(call_guard&&) = default;
    call_guard& operator=(call_guard&&) = delete;
    ~call_guard() {
        if (call_)
            forget_();
    }

    [[nodiscard]] std::shared_ptr<pending_call> const& pending() const noexcept { return call_; }

private:
    std::shared_ptr<pending_call> call_;
    std::function<void()> forget_;
};

/// The values of a reply: one, several as a tuple, or none.
template <typename Reply>
struct reply_values {
    using type = std::tuple<Reply>;
};
template <>
struct reply_values<void> {
    using type = std::tuple<>;
};
template <typename... Ts>
struct reply_values<std::tuple<Ts...>> {
    using type = std::tuple<Ts...>;
};

/// Reads the values of an acknowledgement. Gives why they do not fit, if so.
template <typename Values>
[[nodiscard]] std::optional<misfit> read_reply(sio::packet const& packet, Values& values) {
    static json::array const none;
    auto const& list = packet.data && packet.data->is_array() ? packet.data->get_array() : none;
    value_reader reader(packet.attachments);
    return read_arguments(list, 0, reader, values) ? std::nullopt : std::optional(reader.why());
}

[[nodiscard]] inline std::system_error misfit_error(misfit const& why) {
    return {make_error_code(errc::invalid_payload), why.where + " is not " + why.expected};
}

/// Waits for the end of a call. Gives why there is no reply, if so.
template <typename Executor>
[[nodiscard]] asio::awaitable<std::error_code, Executor> await_end(
    std::shared_ptr<pending_call> pending,
    std::optional<net::time_point> deadline) {
    while (!pending->reply && !pending->why) {
        auto const ec = co_await pending->ended.wait<Executor>(deadline);
        if (ec && !pending->reply && !pending->why)
            co_return ec;
    }
    co_return pending->why;
}

template <typename Executor, typename Reply>
[[nodiscard]] asio::awaitable<Reply, Executor> await_reply(
    call_guard call,
    std::optional<net::time_point> deadline) {
    auto const failed = co_await await_end<Executor>(call.pending(), deadline);
    if (failed)
        throw std::system_error(failed);
    typename reply_values<Reply>::type values;
    if (auto const why = read_reply(*call.pending()->reply, values))
        throw misfit_error(*why);
    if constexpr (is_instance<Reply, std::tuple>)
        co_return values;
    else if constexpr (!std::is_void_v<Reply>)
        co_return std::get<0>(std::move(values));
}

/// What a call gives that was asked not to throw.
template <typename Reply>
using tried_reply = std::conditional_t<
    std::is_void_v<Reply>,
    std::tuple<std::error_code>,
    std::tuple<std::error_code, std::conditional_t<std::is_void_v<Reply>, int, Reply>>>;

/// As `await_reply`, without exceptions.
template <typename Executor, typename Reply>
[[nodiscard]] asio::awaitable<tried_reply<Reply>, Executor> try_await_reply(
    call_guard call,
    std::optional<net::time_point> deadline) {
    tried_reply<Reply> result;
    auto& failed = std::get<0>(result);
    failed = co_await await_end<Executor>(call.pending(), deadline);
    typename reply_values<Reply>::type values;
    if (!failed && read_reply(*call.pending()->reply, values))
        failed = errc::invalid_payload;
    if constexpr (is_instance<Reply, std::tuple>)
        std::get<1>(result) = std::move(values);
    else if constexpr (!std::is_void_v<Reply>)
        std::get<1>(result) = std::get<0>(std::move(values));
    co_return result;
}

/// Who sends replies.
class reply_source {
public:
    virtual ~reply_source() = default;
    /// Sends the reply to the request with this id.
    virtual void send_reply(std::uint64_t id, encoded_event&& content) = 0;
};

/// Sends the reply to one request, at most once, and nothing after the disconnect. Copies share
/// that one time.
class replier {
public:
    replier() = default;
    replier(std::weak_ptr<reply_source> over, std::uint64_t id)
        : pending_(std::make_shared<pending>(std::move(over), id)) {}

    /// Whether the peer waits for a reply that has not been sent.
    [[nodiscard]] bool is_awaited() const noexcept { return pending_ && !pending_->sent; }

    template <typename... Values>
    void operator()(Values const&... values) const {
        if (!is_awaited())
            return;
        encoded_event content;
        content.json = "[";
        write_values(content.json, content.binary, values...);
        content.json += ']';
        send(std::move(content));
    }

    /// Sends arguments that are encoded already.
    void send(encoded_event&& content) const {
        if (!pending_ || pending_->sent.exchange(true))
            return;
        if (auto const over = pending_->over.lock())
            over->send_reply(pending_->id, std::move(content));
    }

private:
    struct pending {
        pending(std::weak_ptr<reply_source> source, std::uint64_t of)
            : over(std::move(source))
            , id(of) {}

        std::weak_ptr<reply_source> over;
        std::uint64_t id;
        std::atomic<bool> sent = false;
    };

    std::shared_ptr<pending> pending_;
};

}  // namespace detail

/// An event that asks for a reply. Copies share the reply: it is sent once, by any thread.
template <acknowledged_event E>
class request {
    using arguments = detail::arguments_of_t<E>;

public:
    using reply_type = typename E::reply;

    /// Of nobody: Asio makes one where a coroutine that is spawned fails.
    request() = default;
    request(arguments values, detail::replier reply)
        : args(unwrap(std::move(values)))
        , reply_(std::move(reply)) {}

    /// The argument, if the event has exactly one; else the tuple of its arguments.
    std::conditional_t<
        std::tuple_size_v<arguments> == 1,
        std::tuple_element_t<
            0,
            std::conditional_t<std::tuple_size_v<arguments> == 1, arguments, std::tuple<int>>>,
        arguments>
        args{};

    /// Sends the reply. Does nothing if the peer did not ask for one, if it was sent already, or
    /// after the disconnect. A reply that is a `std::tuple` becomes several arguments.
    template <typename Value = reply_type>
    void reply(Value const& value) const {
        static_assert(
            std::is_convertible_v<Value const&, reply_type>,
            "socoro: this is not the reply that the event declares");
        reply_type const& converted = value;
        if constexpr (detail::is_instance<reply_type, std::tuple>)
            std::apply(reply_, converted);
        else
            reply_(converted);
    }

    /// Sends the reply of an event that is acknowledged without a value.
    void reply() const {
        static_assert(std::is_void_v<reply_type>, "socoro: this event's reply has a value");
        reply_();
    }

    /// Whether the peer waits for a reply that has not been sent.
    [[nodiscard]] bool is_awaited() const noexcept { return reply_.is_awaited(); }

private:
    static decltype(auto) unwrap(arguments&& values) {
        if constexpr (std::tuple_size_v<arguments> == 1)
            return std::get<0>(std::move(values));
        else
            return std::move(values);
    }

    detail::replier reply_;
};

/// Any event, whatever its name: what `recv()` gives. Copies share the reply: it is sent once, by
/// any thread.
class any_event {
public:
    /// Of nobody: Asio makes one where a coroutine that is spawned fails.
    any_event() = default;
    any_event(detail::incoming event, detail::replier reply)
        : name(std::move(event.name))
        , args(std::move(event.list))
        , attachments(std::move(event.attachments))
        , reply_(std::move(reply)) {
        args.erase(args.begin());
    }

    std::string name;
    /// The arguments. Binary data stands there as a placeholder: see `get`.
    json::array args;
    /// The binary data, in the order of the placeholders' numbers.
    std::vector<std::string> attachments;

    /// The argument at `index` as a `T`, `bytes` included.
    /// Throws `std::system_error` with `errc::invalid_payload` if it is missing or does not fit.
    template <typename T>
    [[nodiscard]] T get(std::size_t index) const {
        detail::value_reader reader(attachments);
        T value{};
        if (!detail::read_argument(args, 0, index, reader, value))
            throw detail::misfit_error(reader.why());
        return value;
    }

    /// Sends the reply; does nothing if the peer did not ask for one, if it was sent already, or
    /// after the disconnect.
    template <typename... Values>
    void reply(Values const&... values) const {
        reply_(values...);
    }

    /// Sends a reply of these arguments, with the binary data that their placeholders stand for.
    void reply_with(json::array const& list, std::vector<std::string> binary = {}) const {
        detail::encoded_event content{{}, std::move(binary), {}};
        sio::append_json(content.json, list);
        reply_.send(std::move(content));
    }

    /// Whether the peer waits for a reply that has not been sent.
    [[nodiscard]] bool is_awaited() const noexcept { return reply_.is_awaited(); }

private:
    detail::replier reply_;
};

namespace detail {

/// An event as it came, under the name that it has now.
[[nodiscard]] inline encoded_event encode_event(any_event const& event) {
    refuse_reserved(event.name);
    json::array list = event.args;
    list.emplace(list.begin(), event.name);
    encoded_event out{{}, event.attachments, event.name};
    sio::append_json(out.json, list);
    return out;
}

/// An event as it came, under the name that it has now.
[[nodiscard]] inline incoming
to_incoming(any_event&& event, std::optional<std::uint64_t> id, std::size_t size) {
    incoming out;
    out.list = std::move(event.args);
    out.list.emplace(out.list.begin(), event.name);
    out.name = std::move(event.name);
    out.attachments = std::move(event.attachments);
    out.id = id;
    out.size = size;
    return out;
}

}  // namespace detail

}  // namespace socoro
