// SPDX-License-Identifier: BSL-1.0
// TLS over any stream: OpenSSL turns bytes into records and back in memory, and the stream below
// carries the records. What is trusted, and who is who, is decided before (net/tls_context).
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/net/client_hello.hpp>
#include <socoro/net/openssl.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace socoro::net {

/// One side of a TLS connection, held by a `shared_ptr`. Once `handshake` has succeeded it is a
/// stream as TCP is. The peer's word that nothing follows (close_notify) is `asio::error::eof`; if
/// the stream below ends without it, somebody may have cut it: `tls_errc::truncated`.
///
/// What the stream below does not take at once is written by a coroutine of its own, and until
/// then `try_write` takes nothing more: at most one record waits, and what TLS itself has to say.
class tls_stream final : public stream, public std::enable_shared_from_this<tls_stream> {
public:
    /// Speaks over a stream that nobody else uses any more. `session` knows its role, and what it
    /// presents and demands.
    tls_stream(
        std::shared_ptr<shard> owner,
        std::shared_ptr<stream> over,
        openssl_ptr<SSL> session);
    ~tls_stream() override { close(); }

    /// What a stream takes along to another shard.
    struct luggage {
        openssl_ptr<SSL> session;
        std::string unsent;
        std::error_code read_error;
        std::error_code write_error;
    };
    /// Goes on with what `depart` has packed.
    tls_stream(std::shared_ptr<shard> owner, std::shared_ptr<stream> over, luggage&& packed);

    /// Waits until both sides agree, before anything else. An error is final; it is
    /// `asio::error::eof` if neither side has said anything by then.
    [[nodiscard]] asio::awaitable<std::error_code> handshake();

    [[nodiscard]] asio::awaitable<io_result> read_some(asio::mutable_buffer into) override;
    [[nodiscard]] io_result try_write(std::span<asio::const_buffer const> from) override;
    [[nodiscard]] asio::awaitable<std::error_code> wait_writable() override;
    /// Sends close_notify; the stream below stays as it is.
    void shutdown_send() noexcept override;
    /// Ends the stream below, without close_notify: what was not yet sent is lost.
    void close() noexcept override;
    [[nodiscard]] departure depart() override;
    [[nodiscard]] std::string remote_address() const override { return over_->remote_address(); }
    [[nodiscard]] bool is_encrypted() const override { return true; }
    [[nodiscard]] std::shared_ptr<certificate const> peer_certificate() const override;

    /// OpenSSL's view of the connection, to ask it about ciphers and certificates.
    [[nodiscard]] SSL* native_handle() const noexcept { return session_.get(); }

private:
    /// The most that fits one record.
    static constexpr std::size_t most_at_once = 16'384;
    /// While more waits for a peer that does not read, we do not read either: it could have us
    /// answer (key updates, alerts) until the memory is full.
    static constexpr std::size_t most_unsent = 32'768;
    /// The most memory that an empty buffer of OpenSSL's keeps: a handshake fits, and small events.
    static constexpr std::size_t most_kept = 4096;
    /// The most that is asked of the stream below at once.
    static constexpr std::size_t most_read = 65'536;

    [[nodiscard]] std::optional<std::error_code> advance();
    /// What the peer has sent that OpenSSL has not looked at.
    [[nodiscard]] std::string_view heard() const {
        char* bytes = nullptr;
        auto const size = BIO_get_mem_data(received_, &bytes);
        return {bytes, static_cast<std::size_t>(std::max(size, 0L))};
    }
    [[nodiscard]] io_result decrypt(asio::mutable_buffer into);
    [[nodiscard]] std::error_code encrypt(asio::const_buffer& from);
    [[nodiscard]] std::error_code reason_for(int returned) const;
    [[nodiscard]] bool is_silent() const {
        return BIO_number_written(received_) == 0 && BIO_number_written(records_) == 0;
    }
    [[nodiscard]] asio::awaitable<std::error_code> fill(asio::mutable_buffer scratch);
    [[nodiscard]] static asio::awaitable<void> drain(
        std::weak_ptr<tls_stream> weak,
        std::shared_ptr<stream> over);
    void send_records();
    void start_draining();
    static void empty(BIO* buffer);
    [[nodiscard]] std::size_t send(std::string_view bytes);

    std::shared_ptr<shard> shard_;
    std::shared_ptr<stream> over_;
    openssl_ptr<SSL> session_;
    BIO* received_;  ///< what the peer sent, for OpenSSL to read
    BIO* records_;   ///< what OpenSSL wrote, for the peer
    std::string unsent_;
    signal sent_;
    std::error_code read_error_;
    std::error_code write_error_;
    bool draining_ = false;
    bool closed_ = false;
};

/// Speaks TLS over `plain`: a stream once the handshake has succeeded. Ends soon with
/// `operation_aborted` once `stop` says so, and with the error that `session` may be; whatever the
/// error, `plain` is closed then.
[[nodiscard]] asio::awaitable<result<std::shared_ptr<stream>>> start_tls(
    std::shared_ptr<shard> on,
    std::shared_ptr<stream> plain,
    result<openssl_ptr<SSL>> session,
    std::shared_ptr<stop_source> stop);

inline tls_stream::tls_stream(
    std::shared_ptr<shard> owner,
    std::shared_ptr<stream> over,
    openssl_ptr<SSL> session)
    : shard_(std::move(owner))
    , over_(std::move(over))
    , session_(std::move(session))
    , received_(BIO_new(BIO_s_mem()))
    , records_(BIO_new(BIO_s_mem()))
    , sent_(*shard_) {
    // An empty one is not the end, but waits for more.
    BIO_set_mem_eof_return(received_, -1);
    SSL_set_bio(session_.get(), received_, records_);
}

inline tls_stream::tls_stream(
    std::shared_ptr<shard> owner,
    std::shared_ptr<stream> over,
    luggage&& packed)
    : shard_(std::move(owner))
    , over_(std::move(over))
    , session_(std::move(packed.session))
    , received_(SSL_get_rbio(session_.get()))
    , records_(SSL_get_wbio(session_.get()))
    , unsent_(std::move(packed.unsent))
    , sent_(*shard_)
    , read_error_(packed.read_error)
    , write_error_(packed.write_error) {}

inline asio::awaitable<std::error_code> tls_stream::handshake() {
    std::string scratch(2048, '\0');
    // A server has nothing to say before its client has. Until then OpenSSL makes no buffers, which
    // are most of what a connection costs that stays silent.
    bool begun = SSL_is_server(session_.get()) == 0;
    while (!closed_) {
        if (!begun && says_how_long(heard())) {
            begun = true;
            if (announced(heard()) > longest_hello)
                co_return excessive_message();
        }
        if (begun)
            if (auto const end = advance())
                co_return *end;
        auto why = write_error_;
        if (!why)
            why = co_await fill(asio::buffer(scratch));
        if (why)
            co_return is_silent() ? asio::error::make_error_code(asio::error::eof) : why;
    }
    co_return asio::error::operation_aborted;
}

/// Goes on with the handshake. Gives how it ended, or nothing if it needs more from the peer.
inline std::optional<std::error_code> tls_stream::advance() {
    ERR_clear_error();
    auto const done = SSL_do_handshake(session_.get());
    auto const why = done == 1 ? std::error_code() : reason_for(done);
    // If it has failed, this is the alert that tells the peer.
    send_records();
    return why || done == 1 ? std::optional(why) : std::nullopt;
}

inline asio::awaitable<io_result> tls_stream::read_some(asio::mutable_buffer into) {
    if (into.size() == 0)
        co_return io_result{};
    for (;;) {
        auto const got = decrypt(into);
        if (got.error || got.bytes > 0)
            co_return got;
        // The reader's buffer is idle until there is something for it.
        auto const ec = co_await fill(into);
        if (ec)
            co_return io_result{ec, 0};
    }
}

/// What OpenSSL has for a reader; neither bytes nor an error if it needs more from the peer.
inline io_result tls_stream::decrypt(asio::mutable_buffer into) {
    if (closed_)
        return {asio::error::operation_aborted, 0};
    if (read_error_)
        return {read_error_, 0};
    ERR_clear_error();
    auto const size = std::min(into.size(), most_at_once);
    auto const count = SSL_read(session_.get(), into.data(), static_cast<int>(size));
    if (count <= 0)
        read_error_ = reason_for(count);
    if (BIO_ctrl_pending(received_) == 0)
        empty(received_);
    if (read_error_ && read_error_ != asio::error::eof && !write_error_)
        write_error_ = read_error_;
    send_records();
    return {read_error_, count > 0 ? static_cast<std::size_t>(count) : 0};
}

/// Why a function of OpenSSL gave nothing; no error if all it needs is more from the peer.
inline std::error_code tls_stream::reason_for(int returned) const {
    switch (SSL_get_error(session_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return {};
    case SSL_ERROR_ZERO_RETURN: return asio::error::eof;
    default: break;
    }
    auto const first = ERR_peek_error();
    auto const verified = SSL_get_verify_result(session_.get());
    auto const noted = take_openssl_error();
    if (ERR_GET_LIB(first) == ERR_LIB_SSL &&
        ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
        return {static_cast<int>(verified), tls_category()};
    return noted;
}

/// Waits for bytes of the peer and gives them to OpenSSL; they pass through `scratch`.
inline asio::awaitable<std::error_code> tls_stream::fill(asio::mutable_buffer scratch) {
    while (draining_ && unsent_.size() > most_unsent) {
        auto const ec = co_await sent_.wait();
        if (ec)
            co_return ec;
    }
    auto const over = over_;
    auto const piece = asio::buffer(scratch, most_read);
    auto const read = co_await over->read_some(piece);
    if (read.error == asio::error::eof && !closed_)
        co_return read_error_ = tls_errc::truncated;
    if (read.error)
        co_return read.error;
    auto const taken = BIO_write(received_, scratch.data(), static_cast<int>(read.bytes));
    co_return static_cast<std::size_t>(std::max(taken, 0)) == read.bytes
        ? std::error_code()
        : std::make_error_code(std::errc::not_enough_memory);
}

inline io_result tls_stream::try_write(std::span<asio::const_buffer const> from) {
    io_result result;
    for (auto rest : from)
        while (rest.size() > 0 && !result.error) {
            if (!write_error_ && draining_)
                return result;
            auto const before = rest.size();
            result.error = encrypt(rest);
            result.bytes += before - rest.size();
        }
    return result;
}

/// Makes the beginning of `from` a record and sends it; leaves the rest in `from`.
inline std::error_code tls_stream::encrypt(asio::const_buffer& from) {
    if (write_error_)
        return write_error_;
    ERR_clear_error();
    auto const size = std::min(from.size(), most_at_once);
    auto const count = SSL_write(session_.get(), from.data(), static_cast<int>(size));
    if (count <= 0) {
        auto const why = reason_for(count);
        // It never needs the peer for this: nothing is negotiated twice.
        return write_error_ = why ? why : std::make_error_code(std::errc::protocol_error);
    }
    from += static_cast<std::size_t>(count);
    send_records();
    return {};
}

/// Sends what OpenSSL wrote; what the stream below does not take is sent later.
inline void tls_stream::send_records() {
    char* bytes = nullptr;
    auto const size = BIO_get_mem_data(records_, &bytes);
    std::string_view fresh(bytes, static_cast<std::size_t>(std::max(size, 0L)));
    if (fresh.empty())
        return;
    if (!draining_)
        fresh.remove_prefix(send(fresh));
    unsent_.append(fresh);
    empty(records_);
    start_draining();
}

inline void tls_stream::start_draining() {
    auto const ex = shard_->get_executor();
    if (unsent_.empty() || draining_ || !ex)
        return;
    draining_ = true;
    auto loop = drain(weak_from_this(), over_);
    asio::co_spawn(ex, std::move(loop), asio::detached);
}

/// An idle connection keeps no memory for the largest record that it has seen.
inline void tls_stream::empty(BIO* buffer) {
    BUF_MEM* memory = nullptr;
    BIO_get_mem_ptr(buffer, &memory);
    auto* const fresh = memory->max > most_kept ? BUF_MEM_new() : nullptr;
    if (fresh)
        BIO_set_mem_buf(buffer, fresh, BIO_CLOSE);
    else
        std::ignore = BIO_reset(buffer);
}

/// How many of these bytes need not be sent any more: all of them once sending has failed.
inline std::size_t tls_stream::send(std::string_view bytes) {
    if (closed_)
        return bytes.size();
    std::array<asio::const_buffer, 1> const buffers{asio::buffer(bytes)};
    auto const [error, count] = over_->try_write(buffers);
    if (error && !write_error_)
        write_error_ = error;
    return error ? bytes.size() : count;
}

/// Does not keep the stream: who lets go of it, ends it.
inline asio::awaitable<void> tls_stream::drain(
    std::weak_ptr<tls_stream> weak,
    std::shared_ptr<stream> over) {
    for (;;) {
        auto const ec = co_await over->wait_writable();
        auto const self = weak.lock();
        if (!self)
            co_return;
        if (ec && !self->write_error_)
            self->write_error_ = ec;
        self->unsent_.erase(0, ec ? std::string::npos : self->send(self->unsent_));
        if (!self->unsent_.empty())
            continue;
        self->unsent_.shrink_to_fit();
        self->draining_ = false;
        self->sent_.notify_all();
        co_return;
    }
}

inline asio::awaitable<std::error_code> tls_stream::wait_writable() {
    while (draining_ && !write_error_) {
        auto const ec = co_await sent_.wait();
        if (ec)
            co_return ec;
    }
    co_return write_error_;
}

inline std::shared_ptr<certificate const> tls_stream::peer_certificate() const {
    openssl_ptr<X509> const presented(SSL_get_peer_certificate(session_.get()));
    bool const was_verified = SSL_get_verify_mode(session_.get()) != SSL_VERIFY_NONE &&
                              SSL_get_verify_result(session_.get()) == X509_V_OK;
    return presented && was_verified ? certificate_of(*presented) : nullptr;
}

inline void tls_stream::shutdown_send() noexcept {
    if (write_error_)
        return;
    write_error_ = asio::error::broken_pipe;
    ERR_clear_error();
    SSL_shutdown(session_.get());
    ERR_clear_error();
    send_records();
}

inline void tls_stream::close() noexcept {
    if (std::exchange(closed_, true))
        return;
    write_error_ = asio::error::operation_aborted;
    over_->close();
}

inline departure tls_stream::depart() {
    auto below = closed_ ? nullptr : over_->depart();
    if (!below)
        return nullptr;
    // What still drains here has nothing to do any more.
    closed_ = true;
    auto const packed = std::make_shared<luggage>();
    packed->session = std::move(session_);
    packed->unsent = std::exchange(unsent_, {});
    packed->read_error = read_error_;
    packed->write_error = write_error_;
    return [below = std::move(below),
            packed](std::shared_ptr<shard> const& on) -> std::shared_ptr<stream> {
        auto const moved = std::make_shared<tls_stream>(on, below(on), std::move(*packed));
        moved->start_draining();
        return moved;
    };
}

inline asio::awaitable<result<std::shared_ptr<stream>>> start_tls(
    std::shared_ptr<shard> on,
    std::shared_ptr<stream> plain,
    result<openssl_ptr<SSL>> session,
    std::shared_ptr<stop_source> stop) {
    if (!session) {
        plain->close();
        co_return result<std::shared_ptr<stream>>(session.error());
    }
    auto const made = std::make_shared<tls_stream>(on, std::move(plain), std::move(*session));
    stop_callback const on_stop(stop, [made] { made->close(); });
    auto const ec = co_await made->handshake();
    if (stop->stop_requested())
        co_return result<std::shared_ptr<stream>>(
            asio::error::make_error_code(asio::error::operation_aborted));
    if (ec)
        co_return result<std::shared_ptr<stream>>(ec);
    co_return result<std::shared_ptr<stream>>(made);
}

}  // namespace socoro::net
