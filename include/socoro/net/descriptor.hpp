// SPDX-License-Identifier: BSL-1.0
// A socket of the operating system that somebody else made: another library, the process before
// this one, or the program that starts it.
#pragma once

#include <socoro/net/asio.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace socoro::net {

/// Owns a native socket, and closes it unless it is released. Whoever made it must not use it any
/// more: an object of Asio gives it away by `release()`, when none of its operations is under way.
class descriptor {
public:
    using native_handle_type = asio::ip::tcp::socket::native_handle_type;

    explicit descriptor(native_handle_type owned) noexcept : handle_(owned) {}
    descriptor(descriptor&& other) noexcept : handle_(other.release()) {}
    descriptor& operator=(descriptor&& other) noexcept {
        descriptor(std::move(other)).swap(*this);
        return *this;
    }
    ~descriptor();

    [[nodiscard]] native_handle_type native_handle() const noexcept { return handle_; }

    /// Gives the socket away; nothing is owned afterwards.
    [[nodiscard]] native_handle_type release() noexcept { return std::exchange(handle_, none); }

    void swap(descriptor& other) noexcept { std::swap(handle_, other.handle_); }

private:
    static constexpr auto none = static_cast<native_handle_type>(-1);

    native_handle_type handle_;
};

/// Throws `std::system_error` unless this is a connected stream socket, of whatever family.
void require_connection(descriptor const& given);

/// Throws `std::system_error` unless this is a stream socket that listens, of whatever family.
void require_listener(descriptor const& given);

/// What Asio wants to know about a socket that it takes over.
[[nodiscard]] asio::generic::stream_protocol protocol_of(descriptor const& given);

/// A socket with this executor, of whatever family. Throws `std::system_error`.
[[nodiscard]] asio::generic::stream_protocol::socket to_stream_socket(
    executor ex,
    descriptor given);

/// A TCP socket with this executor. Throws `std::system_error` if it is of another family.
[[nodiscard]] asio::ip::tcp::socket to_tcp_socket(executor ex, descriptor given);

namespace detail {

[[noreturn]] inline void refuse(descriptor const& given, std::error_code why, char const* what) {
    throw std::system_error(
        why,
        "descriptor " + std::to_string(given.native_handle()) + " is no " + what);
}

/// An option of the level SOL_SOCKET, as long as it is a number.
[[nodiscard]] inline int
number_of(descriptor const& given, int option, char const* what = "socket") {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(given.native_handle(), SOL_SOCKET, option, &value, &size) != 0)
        refuse(given, {errno, std::system_category()}, what);
    return value;
}

}  // namespace detail

inline descriptor::~descriptor() {
    if (handle_ != none)
        ::close(handle_);
}

inline void require_connection(descriptor const& given) {
    constexpr auto what = "connected stream socket";
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (detail::number_of(given, SO_TYPE, what) != SOCK_STREAM)
        detail::refuse(given, std::make_error_code(std::errc::wrong_protocol_type), what);
    if (::getpeername(given.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size) != 0)
        detail::refuse(given, {errno, std::system_category()}, what);
}

inline void require_listener(descriptor const& given) {
    constexpr auto what = "stream socket that listens";
    if (detail::number_of(given, SO_TYPE, what) != SOCK_STREAM ||
        detail::number_of(given, SO_ACCEPTCONN, what) == 0)
        detail::refuse(given, std::make_error_code(std::errc::invalid_argument), what);
}

inline asio::generic::stream_protocol protocol_of(descriptor const& given) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (::getsockname(given.native_handle(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
        detail::refuse(given, {errno, std::system_category()}, "socket");
    return {own.ss_family, 0};
}

inline asio::generic::stream_protocol::socket to_stream_socket(executor ex, descriptor given) {
    asio::generic::stream_protocol::socket made(std::move(ex));
    made.assign(protocol_of(given), given.native_handle());
    std::ignore = given.release();
    return made;
}

inline asio::ip::tcp::socket to_tcp_socket(executor ex, descriptor given) {
    auto const family = protocol_of(given).family();
    auto const v4 = asio::ip::tcp::v4(), v6 = asio::ip::tcp::v6();
    if (family != v4.family() && family != v6.family())
        detail::refuse(
            given,
            std::make_error_code(std::errc::address_family_not_supported),
            "TCP socket");
    asio::ip::tcp::socket made(std::move(ex));
    made.assign(family == v4.family() ? v4 : v6, given.native_handle());
    std::ignore = given.release();
    return made;
}

}  // namespace socoro::net
