// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/descriptor.hpp>

#include "support/loopback.hpp"

#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <tuple>
#include <unistd.h>

namespace net = socoro::net;
using tcp = asio::ip::tcp;

namespace {

[[nodiscard]] bool is_open(int handle) {
    return ::fcntl(handle, F_GETFD) != -1;
}

/// Two connected TCP sockets.
struct connection {
    connection() {
        tcp::acceptor listening(context, test::loopback());
        near.connect(listening.local_endpoint());
        listening.accept(far);
    }
    asio::io_context context;
    tcp::socket near{context}, far{context};
};

[[nodiscard]] std::string complaint(void (*require)(net::descriptor const&), int handle) {
    try {
        require(net::descriptor(handle));
    } catch (std::system_error const& e) {
        return e.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("net/descriptor: it closes what it owns, once") {
    int const first = ::socket(AF_INET, SOCK_STREAM, 0), second = ::socket(AF_INET, SOCK_STREAM, 0);
    {
        net::descriptor a(first), b(second);
        CHECK(a.native_handle() == first);
        a = std::move(b);
        CHECK_FALSE(is_open(first));
        CHECK(a.native_handle() == second);
        net::descriptor const c(std::move(a));
        CHECK(is_open(second));
    }
    CHECK_FALSE(is_open(second));
    int const kept = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK(net::descriptor(kept).release() == kept);
    CHECK(is_open(kept));
    ::close(kept);
}

TEST_CASE("net/descriptor: it says what something is not, and closes it") {
    int const silent = ::socket(AF_INET, SOCK_STREAM, 0);
    auto const number = std::to_string(silent);
    CHECK(
        complaint(net::require_connection, silent) ==
        "descriptor " + number +
            " is no connected stream socket: Transport endpoint is not connected");
    CHECK_FALSE(is_open(silent));
    CHECK(
        complaint(net::require_listener, ::socket(AF_INET, SOCK_STREAM, 0)) ==
        "descriptor " + number + " is no stream socket that listens: Invalid argument");
    CHECK(
        complaint(net::require_connection, ::socket(AF_INET, SOCK_DGRAM, 0)) ==
        "descriptor " + number + " is no connected stream socket: Protocol wrong type for socket");
    CHECK(
        complaint(net::require_connection, ::open("/dev/null", O_RDONLY | O_CLOEXEC)) ==
        "descriptor " + number + " is no connected stream socket: Socket operation on non-socket");
    CHECK(
        complaint(net::require_listener, 4000) ==
        "descriptor 4000 is no stream socket that listens: Bad file descriptor");
    asio::io_context context;
    tcp::acceptor listening(context, test::loopback());
    CHECK(complaint(net::require_listener, ::dup(listening.native_handle())) == "none");
    connection pair;
    CHECK(complaint(net::require_connection, ::dup(pair.near.native_handle())) == "none");
}

TEST_CASE("net/descriptor: a connection leaves one context for another") {
    connection pair;
    asio::io_context other;
    auto moved = net::to_tcp_socket(other.get_executor(), net::descriptor(pair.near.release()));
    CHECK(moved.remote_endpoint() == pair.far.local_endpoint());
    asio::write(moved, asio::buffer("hello", 5));
    std::string got(5, '\0');
    asio::read(pair.far, asio::buffer(got));
    CHECK(got == "hello");
}

TEST_CASE("net/descriptor: what is no TCP is no TCP socket") {
    asio::io_context context;
    asio::local::stream_protocol::socket a(context), b(context);
    asio::local::connect_pair(a, b);
    auto const handle = a.release();
    CHECK_THROWS_AS(
        std::ignore = net::to_tcp_socket(context.get_executor(), net::descriptor(handle)),
        std::system_error);
    CHECK_FALSE(is_open(handle));
}
