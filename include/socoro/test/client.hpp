// SPDX-License-Identifier: BSL-1.0
// A client for tests of handlers: it speaks to the server without a network, and in turn with it.
#pragma once

#include <socoro/base/refused.hpp>
#include <socoro/channel.hpp>
#include <socoro/options.hpp>
#include <socoro/sio/parser.hpp>
#include <socoro/test/memory_link.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace socoro::test {

namespace detail {

/// The client's end of a namespace.
class client_core final : public socoro::detail::channel_core {
public:
    client_core(
        std::string nsp,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<net::task_group> tasks,
        std::shared_ptr<socoro::options const> opts,
        std::shared_ptr<memory_link> link)
        : channel_core({}, std::move(owner), std::move(tasks), std::move(opts))
        , nsp_(std::move(nsp))
        , link_(std::move(link))
        , decoder_(settings().parser(), settings().session().limits) {}

    void start(boost::json::value const& auth);
    /// Loses the connection.
    void vanish() { link_->end(); }

    void disconnect(bool close) override;
    [[nodiscard]] asio::awaitable<void> drain() override { co_return; }
    [[nodiscard]] std::string const& nsp_name() const noexcept override { return nsp_; }
    [[nodiscard]] std::optional<refused> const& refusal() const noexcept { return refusal_; }

private:
    engine::sent transmit(socoro::detail::frame_list const& frames, engine::delivery) override {
        for (auto const& frame : frames)
            link_->deliver(*frame);
        return engine::sent::queued;
    }
    void send_packet(
        sio::packet_type type,
        std::optional<boost::json::value> const& data = std::nullopt) {
        auto const by = settings().parser();
        std::ignore = transmit(socoro::detail::make_frames(by, type, nsp_, data), {});
    }
    [[nodiscard]] std::uint64_t next_ack_id() override { return next_ack_id_++; }
    void on_flood() override { vanish(); }
    void on_packet(eio::packet const& packet);
    void on_packet(sio::packet&& packet);
    void on_refusal(boost::json::value const& why);

    std::string nsp_;
    std::shared_ptr<memory_link> link_;
    sio::chosen_decoder decoder_;
    std::uint64_t next_ack_id_ = 0;
    std::optional<refused> refusal_;
};

inline void client_core::start(boost::json::value const& auth) {
    auto const weak = std::weak_ptr(std::static_pointer_cast<client_core>(shared_from_this()));
    link_->connect(
        [weak](eio::packet const& packet) {
            if (auto const self = weak.lock())
                self->on_packet(packet);
        },
        [weak] {
            if (auto const self = weak.lock())
                self->on_close(errc::transport_close);
        });
    send_packet(sio::packet_type::connect, auth);
}

inline void client_core::disconnect(bool close) {
    if (!connected())
        return;
    if (close)
        return vanish();
    send_packet(sio::packet_type::disconnect);
    on_close(errc::client_namespace_disconnect);
}

inline void client_core::on_packet(eio::packet const& packet) {
    if (packet.type == eio::packet_type::ping)
        return link_->deliver(eio::packet::of(eio::packet_type::pong, packet.data));
    if (packet.type != eio::packet_type::message)
        return;
    auto decoded = decoder_.feed(message{packet.binary, packet.data});
    if (decoded && *decoded)
        on_packet(std::move(**decoded));
}

inline void client_core::on_packet(sio::packet&& packet) {
    switch (packet.type) {
    case sio::packet_type::connect:
        on_connect(std::string(packet.data->at("sid").as_string()));
        break;
    case sio::packet_type::connect_error:
        on_refusal(packet.data.value_or(nullptr));
        on_close(errc::refused);
        break;
    case sio::packet_type::disconnect: on_close(errc::server_namespace_disconnect); break;
    case sio::packet_type::event:
        on_event(socoro::detail::to_incoming(std::move(packet), 0));
        break;
    case sio::packet_type::ack: on_ack(std::move(packet)); break;
    default: break;
    }
}

inline void client_core::on_refusal(boost::json::value const& why) {
    auto const& answer = why.as_object();
    std::string const text(answer.at("message").as_string());
    auto const* const data = answer.if_contains("data");
    data ? refusal_.emplace(text, *data) : refusal_.emplace(text);
}

}  // namespace detail

/// A client of a `test::server`. Beside what a socket can do in coroutines (`recv`, `call`), it
/// has verbs for plain tests, which let the server and the handlers run as far as they can.
template <typename Contract = no_contract>
class basic_client : public channel<detail::client_core, net::executor, Contract> {
    using base = channel<detail::client_core, net::executor, Contract>;
    using base::core_;

public:
    basic_client(std::shared_ptr<detail::client_core> core, std::function<void()> run)
        : base(std::move(core))
        , run_(std::move(run)) {}

    /// The same client under another contract.
    template <typename Other>
    [[nodiscard]] basic_client<Other> as() const {
        return {core_, run_};
    }

    /// The next event of one of these types, if there is one by now.
    template <typename... Es>
    [[nodiscard]] std::optional<received_t<Es...>> take() const {
        static_assert((socoro::detail::check_received<Contract, Es>() && ...));
        run_();
        return socoro::detail::receiver<Es...>(*core_).take();
    }

    /// Calls the server and gives its reply, if it comes without any time passing.
    template <typename E, typename... Args>
    [[nodiscard]] auto ask(Args&&... args) const {
        using reply = socoro::detail::reply_of_t<E>;
        using values = typename socoro::detail::reply_values<reply>::type;
        static_assert(socoro::detail::check_called<Contract, E>());
        auto const event = socoro::detail::make_event<E>(std::forward<Args>(args)...);
        run_();
        auto const guard = core_->call(socoro::detail::encode_event(event));
        run_();
        values got;
        auto const& packet = guard.pending()->reply;
        bool const fits = packet && !socoro::detail::read_reply(*packet, got);
        if constexpr (std::is_void_v<reply>)
            return fits;
        else if constexpr (socoro::detail::is_instance<reply, std::tuple>)
            return fits ? std::optional<reply>(std::move(got)) : std::nullopt;
        else
            return fits ? std::optional<reply>(std::get<0>(std::move(got))) : std::nullopt;
    }

    [[nodiscard]] bool connected() const {
        run_();
        return base::connected();
    }

    /// Leaves the namespace.
    void disconnect() const {
        core_->owner().execute([core = core_] { core->disconnect(false); });
    }

    /// Loses the connection without a word.
    void vanish() const {
        core_->owner().execute([core = core_] { core->vanish(); });
    }

    /// What the server refused the connection with.
    [[nodiscard]] std::optional<refused> refusal() const {
        run_();
        return core_->refusal();
    }

private:
    std::function<void()> run_;
};

using client = basic_client<>;

}  // namespace socoro::test
