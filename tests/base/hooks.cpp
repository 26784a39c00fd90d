// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/hooks.hpp>

#include <doctest/doctest.h>

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
        hooks.refused({1, "Session ID unknown", "sid", "127.0.0.1", "/socket.io/?sid=\x1b\n"});
        CHECK(
            out.text() ==
            "socoro: refused a request of 127.0.0.1: Session ID unknown (sid) "
            "\"/socket.io/?sid=\\x1b\\x0a\"\n");
    }
    SUBCASE("a violated protocol") {
        hooks.violated({"WebSocket", "127.0.0.1", "abc", socoro::errc::ws_bad_utf8});
        CHECK(
            out.text() ==
            "socoro: WebSocket violated by 127.0.0.1, session abc: invalid UTF-8 in WebSocket "
            "text\n");
    }
    SUBCASE("an invalid payload") {
        hooks.invalid({"id", "mes\nsage", "argument 1.a\tb", "a string"});
        CHECK(
            out.text() ==
            "socoro: dropped \"mes\\x0asage\" of id: argument 1.a\\x09b is not a string\n");
    }
    SUBCASE("a dropped event") {
        hooks.dropped("id", "\r");
        CHECK(out.text() == "socoro: dropped \"\\x0d\" of id: nobody receives it\n");
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

TEST_CASE("base/hooks: one that is empty is not called") {
    socoro::hooks hooks;
    hooks.dropped = nullptr;
    socoro::notify(hooks.dropped, "id", "event");
    std::string seen;
    hooks.dropped = [&](std::string_view, std::string_view event) { seen = event; };
    socoro::notify(hooks.dropped, "id", "event");
    CHECK(seen == "event");
}
