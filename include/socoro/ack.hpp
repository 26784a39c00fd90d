// SPDX-License-Identifier: BSL-1.0
// Acknowledgements: a call that waits for the peer's reply, and the reply to a peer's request.
#pragma once

#include <socoro/event.hpp>
#include <socoro/inbox.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/sio/packet.hpp>

#include <boost/json.hpp>

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

/// A call whose reply has not come yet.
struct pending_call {
    explicit pending_call(net::shard& owner) : ended(owner) {}

    /// The reply came.
    void answer(sio::packet&& packet) {
        reply = std::move(packet);
        ended.notify_all();
    }

    /// No reply will come.
    void fail(std::error_code ec) {
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

    [[nodiscard]] pending_call& operator*() const noexcept { return *call_; }

private:
    std::shared_ptr<pending_call> call_;
    std::function<void()> forget_;
};

/// Reads the arguments of an acknowledgement: one value, several as a tuple, or none.
template <typename Reply>
[[nodiscard]] Reply read_reply(sio::packet const& packet) {
    static json::array const none;
    auto const& list = packet.data && packet.data->is_array() ? packet.data->get_array() : none;
    value_reader reader(packet.attachments);
    if constexpr (std::is_void_v<Reply>) {
        return;
    } else {
        using tuple = std::conditional_t<is_instance<Reply, std::tuple>, Reply, std::tuple<Reply>>;
        tuple values;
        if (!read_arguments(list, 0, reader, values))
            throw std::system_error(
                errc::invalid_payload,
                reader.why().where + " is not " + reader.why().expected);
        if constexpr (is_instance<Reply, std::tuple>)
            return values;
        else
            return std::move(std::get<0>(values));
    }
}

template <typename Reply>
[[nodiscard]] asio::awaitable<Reply> await_reply(
    call_guard call,
    std::optional<net::time_point> deadline) {
    auto& pending = *call;
    while (!pending.reply && !pending.why) {
        auto const ec = co_await pending.ended.wait(deadline);
        if (ec && !pending.reply && !pending.why)
            throw std::system_error(ec);
    }
    if (pending.why)
        throw std::system_error(pending.why);
    if constexpr (std::is_void_v<Reply>)
        co_return;
    else
        co_return read_reply<Reply>(*pending.reply);
}

/// Sends the reply to one request, at most once, and nothing after the disconnect.
class replier {
public:
    using sender = std::function<void(encoded_event&&)>;

    replier() = default;
    explicit replier(sender send) : send_(std::make_shared<sender>(std::move(send))) {}

    /// Whether the peer waits for a reply that has not been sent.
    [[nodiscard]] bool is_awaited() const noexcept { return send_ && *send_; }

    template <typename... Values>
    void operator()(Values const&... values) const {
        if (!is_awaited())
            return;
        encoded_event content;
        auto const list = encode_arguments(content.binary, values...);
        sio::append_json(content.json, list);
        send(std::move(content));
    }

    /// Sends arguments that are encoded already.
    void send(encoded_event&& content) const {
        if (is_awaited())
            std::exchange(*send_, nullptr)(std::move(content));
    }

private:
    std::shared_ptr<sender> send_;
};

}  // namespace detail

/// An event that asks for a reply. Copies share the reply: it is sent once.
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

/// Any event, whatever its name: what `recv()` gives.
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
            throw std::system_error(
                errc::invalid_payload,
                reader.why().where + " is not " + reader.why().expected);
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
        detail::encoded_event content{{}, std::move(binary)};
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
    encoded_event out{{}, event.attachments};
    sio::append_json(out.json, list);
    return out;
}

}  // namespace detail

}  // namespace socoro
