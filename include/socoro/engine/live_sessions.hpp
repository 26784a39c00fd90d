// SPDX-License-Identifier: BSL-1.0
// The sessions of a server while they live: it begins them, knows them by their sids, and ends them.
// Which request begins one is decided elsewhere.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/engine/options.hpp>
#include <socoro/engine/seats.hpp>
#include <socoro/engine/server_session_core.hpp>
#include <socoro/engine/session_table.hpp>
#include <socoro/engine/shard_name.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/transport/any_transport.hpp>
#include <socoro/transport/polling_server.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace socoro::engine {

/// Not thread-safe, but for `is_closed`; it lives on the executor of its shard. Held by a
/// `shared_ptr`.
class live_sessions : public std::enable_shared_from_this<live_sessions> {
public:
    using session_ptr = std::shared_ptr<server_session_core>;
    /// Decides who receives what a new session brings. It may send and close already; when it
    /// throws, the session ends.
    using on_session =
        std::function<std::shared_ptr<sink>(std::shared_ptr<session_core> const& opened)>;
    using place = std::optional<session_table::reservation>;

    live_sessions(
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<engine::options const> opts,
        on_session accept)
        : shard_(std::move(owner))
        , options_(std::move(opts))
        , accept_(std::move(accept))
        , loops_(std::make_shared<net::task_group>(shard_))
        , seats_(std::make_shared<seats>(options_->max_clients)) {}

    live_sessions(live_sessions const&) = delete;
    live_sessions& operator=(live_sessions const&) = delete;
    /// Those that are still there are those of an execution context that is gone.
    ~live_sessions() {
        for (auto const& session : table_->take_all())
            session->release();
    }

    /// These are the sessions of one of several shards, which have their seats together.
    void join(std::shared_ptr<seats> together, std::size_t number) {
        seats_ = std::move(together);
        shard_name_ = name_of_shard(number);
    }
    [[nodiscard]] std::shared_ptr<seats> const& all_seats() const noexcept { return seats_; }

    /// A seat for one more session; none if there are as many as there may be.
    [[nodiscard]] std::optional<seats::seat> take_seat() { return seats_->take(); }

    /// A sid for the session that a request opens; nothing if the program's generator gave none that
    /// can be.
    [[nodiscard]] place reserve(http::request const& request, seats::seat taken) {
        return table_->reserve(new_sid(request), std::move(taken));
    }

    /// Runs what belongs to the sessions without being of one of them.
    void spawn(asio::awaitable<void> task, net::task_group::on_end ended) {
        loops_->spawn(std::move(task), std::move(ended));
    }

    /// Makes a session of a reserved sid. It is nobody's until it is begun.
    [[nodiscard]] session_ptr make(origin from);

    /// Begins a session over its first transport, in the place that was reserved for it.
    void begin(
        session_table::reservation taken,
        session_ptr const& session,
        transport::any_transport over);

    /// Ends every session at once, after what was sent to it before if that can leave at once. No
    /// other should be begun.
    void close();

    /// The same, but a session whose POST is on its way receives that first, and ends `late`.
    void finish(errc late);

    /// Closes, and cancels what of them still runs.
    void abandon();

    /// Waits until nothing of any session runs any more: see `net::task_group::wait`.
    [[nodiscard]] asio::awaitable<std::error_code> wait_closed(
        std::optional<net::time_point> deadline) {
        return loops_->wait(deadline);
    }

    /// Whether `finish` lets this session receive a POST first.
    [[nodiscard]] static bool is_posting(session_core const& session) {
        auto const polling = session.current().target<transport::polling_server>();
        return polling && polling->is_reading();
    }

    [[nodiscard]] bool is_closed() const noexcept { return closed_; }
    /// How many there are, on all shards. Thread-safe.
    [[nodiscard]] std::size_t size() const noexcept { return seats_->begun(); }
    /// The session, or null.
    [[nodiscard]] session_ptr find(std::string const& sid) const { return table_->find(sid); }

    /// A new identifier: see `engine::make_id`.
    [[nodiscard]] std::string make_id() const { return engine::make_id(shard_name_); }

private:
    [[nodiscard]] std::string new_sid(http::request const& request) const;
    void end_when_read(server_session_core const& session, errc reason);
    static void end(session_core& session, errc reason) {
        session.flush_last();
        session.abort(reason);
    }

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<engine::options const> options_;
    on_session accept_;
    std::shared_ptr<net::task_group> loops_;
    std::shared_ptr<seats> seats_;
    std::string shard_name_;  // empty if there is no other shard
    std::shared_ptr<session_table> table_ = std::make_shared<session_table>();
    // Other threads ask whether a request is ours.
    std::atomic<bool> closed_ = false;
};

inline std::string live_sessions::new_sid(http::request const& request) const {
    if (!options_->generate_id)
        return make_id();
    try {
        auto made = options_->generate_id(request);
        return made.empty() ? made : made.append(shard_name_);
    } catch (...) {
        auto const what = describe(std::current_exception());
        notify(options_->hooks.handler_failed, request.path(), what);
        return {};
    }
}

inline live_sessions::session_ptr live_sessions::make(origin from) {
    return std::make_shared<server_session_core>(
        loops_,
        shard_,
        options_,
        std::move(from),
        [weak = std::weak_ptr(table_)](server_session_core& ended) {
            if (auto const table = weak.lock())
                table->remove(ended.sid());
            closed_session const told{
                ended.sid(),
                ended.address(),
                ended.transport_name(),
                ended.reason().value_or(errc::forced_close)};
            notify(ended.options().hooks.session_closed, told);
        });
}

inline void live_sessions::begin(
    session_table::reservation taken,
    session_ptr const& session,
    transport::any_transport over) {
    // A hook may let go of the server.
    auto const self = shared_from_this();
    session->open(std::move(over));
    table_->add(std::move(taken), session);
    opened_session const told{session->sid(), session->address(), session->transport_name()};
    notify(options_->hooks.session_opened, told);
    // Who makes sids, or a hook, may have closed the server before it knew this session.
    if (closed_)
        end(*session, errc::forced_close);
    try {
        session->start(accept_(session));
    } catch (...) {
        session->discard();
        notify(options_->hooks.handler_failed, session->sid(), describe(std::current_exception()));
    }
}

inline void live_sessions::close() {
    closed_ = true;
    auto const ending = table_->take_all();
    for (auto const& session : ending)
        end(*session, errc::forced_close);
}

inline void live_sessions::finish(errc late) {
    // Who is told may let go of the server.
    auto const self = shared_from_this();
    closed_ = true;
    auto const ending = table_->all();
    for (auto const& session : ending) {
        if (is_posting(*session))
            end_when_read(*session, late);
        else
            end(*session, errc::forced_close);
    }
}

inline void live_sessions::end_when_read(server_session_core const& session, errc reason) {
    auto const polling = session.current().target<transport::polling_server>();
    polling->when_read([weak = weak_from_this(), sid = session.sid(), reason] {
        auto const self = weak.lock();
        if (auto const ending = self ? self->find(sid) : nullptr)
            end(*ending, reason);
    });
}

inline void live_sessions::abandon() {
    auto const self = shared_from_this();
    close();
    loops_->cancel_all();
}

}  // namespace socoro::engine
