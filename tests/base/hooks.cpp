// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/hooks.hpp>
#include <socoro/http/message.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <sstream>
#include <string>

namespace {

/// What is printed to `std::clog` while it lives.
class printed {
public:
    printed() : before_(std::clog.rdbuf(text_.rdbuf())) {}
    printed(printed const&) = delete;
    printed& operator=(printed const&) = delete;
    ~printed() { std::clog.rdbuf(before_); }
    [[nodiscard]] std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::streambuf* before_;
};

}  // namespace

TEST_CASE("base/hooks: by default each prints one line, with what came from a peer escaped") {
    socoro::hooks const hooks;
    printed const out;
    SUBCASE("a refused request") {
        socoro::http::request const request;
        hooks.connection_error({request, 2, "Bad\n", "M\x1b", "127.0.0.1"});
        CHECK(out.text() == "socoro: refused a request of 127.0.0.1: Bad\\x0a (M\\x1b)\n");
    }
    SUBCASE("a violated protocol") {
        hooks.violated({"WebSocket", "127.0.0.1", "abc", socoro::errc::ws_bad_utf8});
        CHECK(
            out.text() ==
            "socoro: WebSocket violated by 127.0.0.1, session abc: invalid UTF-8 in WebSocket "
            "text\n");
    }
    SUBCASE("a TLS handshake that failed") {
        hooks.tls_failed({"127.0.0.1", socoro::errc::timeout, 2});
        CHECK(
            out.text() ==
            "socoro: TLS failed with 127.0.0.1: operation has timed out (2 so far)\n");
    }
    SUBCASE("an invalid payload") {
        hooks.invalid({"id", "mes\nsage", "argument 1.a\tb", "a string"});
        CHECK(
            out.text() ==
            "socoro: dropped \"mes\\x0asage\" of id: argument 1.a\\x09b is not a string\n");
    }
    SUBCASE("an event that a full inbox dropped") {
        hooks.dropped({"id", "\r", socoro::errc::inbox_full, 1});
        CHECK(
            out.text() ==
            "socoro: dropped \"\\x0d\" of id: too many events wait for a handler (1 so far)\n");
    }
    SUBCASE("an event that a full outbox dropped") {
        hooks.dropped({"id", "x", socoro::errc::outbox_full, 4});
        CHECK(out.text() == "socoro: dropped \"x\" of id: the peer does not read (4 so far)\n");
    }
    SUBCASE("a refused event") {
        hooks.packet_refused({"id", "\x1b", "not\tallowed"});
        CHECK(out.text() == "socoro: refused \"\\x1b\" of id: not\\x09allowed\n");
    }
    SUBCASE("a failed handler") {
        hooks.handler_failed("/chat", "a\nb");
        CHECK(out.text() == "socoro: a handler of \"/chat\" failed: a\\x0ab\n");
    }
    SUBCASE("a failed accept") {
        hooks.accept_failed(std::make_error_code(std::errc::too_many_files_open));
        CHECK(out.text().starts_with("socoro: cannot accept connections: "));
    }
}

TEST_CASE("base/hooks: connections that are dropped without end do not fill the log") {
    socoro::hooks const hooks;
    printed const out;
    for (std::size_t count = 1; count <= 1000; ++count)
        hooks.connection_dropped({"127.0.0.1", count});
    auto const text = out.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 10);
    CHECK(
        text.find("socoro: too many connections: closed that of 127.0.0.1 (512 so far)\n") !=
        std::string::npos);
}

TEST_CASE("base/hooks: a peer that has events dropped without end does not fill the log") {
    socoro::hooks const hooks;
    printed const out;
    for (std::size_t count = 1; count <= 1'000'000; ++count)
        hooks.dropped({"id", "x", socoro::errc::inbox_full, count});
    auto const text = out.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 20);
    CHECK(text.find("(524288 so far)") != std::string::npos);
}

TEST_CASE("base/hooks: handshakes that fail without end do not fill the log") {
    socoro::hooks const hooks;
    printed const out;
    for (std::size_t count = 1; count <= 1'000'000; ++count)
        hooks.tls_failed({"127.0.0.1", socoro::errc::timeout, count});
    auto const text = out.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 20);
}

TEST_CASE("base/hooks: what is no nuisance to anybody is told to nobody unless asked for") {
    socoro::hooks hooks;
    CHECK_FALSE(hooks.packet);
    CHECK_FALSE(hooks.session_opened);
    CHECK_FALSE(hooks.session_closed);
    CHECK_FALSE(hooks.upgraded);
    CHECK_FALSE(hooks.initial_headers);
    CHECK_FALSE(hooks.headers);
    CHECK_FALSE(hooks.closed);
    std::string seen;
    hooks.closed = [&](socoro::closed_socket const& e) {
        seen.append(e.socket).append(" of ").append(e.nsp).append(": ").append(e.reason.message());
    };
    socoro::notify(hooks.closed, socoro::closed_socket{"id", "/", socoro::errc::ping_timeout});
    CHECK(seen == "id of /: ping timeout");
}

TEST_CASE("base/hooks: one that is empty is not called") {
    socoro::hooks hooks;
    hooks.dropped = nullptr;
    socoro::dropped_event const told{"id", "event", socoro::errc::inbox_full};
    socoro::notify(hooks.dropped, told);
    std::string seen;
    hooks.dropped = [&](socoro::dropped_event const& e) { seen = e.event; };
    socoro::notify(hooks.dropped, told);
    CHECK(seen == "event");
}
