// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/http_caller.hpp>

#include "support/world.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace engine = socoro::engine;
namespace http = socoro::http;
using namespace std::chrono_literals;

namespace {

struct calling : test::world {
    explicit calling(
        engine::client_options const& options = {},
        std::string_view server = "http://localhost:3000")
        : caller(
              shard,
              http::parse_url(server).value(),
              std::make_shared<engine::client_options const>(options)) {}

    void learn(std::string const& cookie, std::string const& other = "X-Other: 1") {
        http::response answer;
        answer.headers.add("Set-Cookie", cookie);
        answer.headers.add(other.substr(0, other.find(':')), other.substr(other.find(' ') + 1));
        caller.learn(answer);
    }
    [[nodiscard]] std::string cookies() const {
        return std::string(caller.poll("").headers.get("Cookie"));
    }

    engine::http_caller caller;
};

/// The bytes of a request, but for what is always another.
[[nodiscard]] std::string text_of(http::request const& asked) {
    static std::regex const stamp("([?&])t=[A-Za-z0-9_-]{8}(?=[& ])");
    return std::regex_replace(http::serialize(asked), stamp, "$1t=STAMP");
}

/// The target of the first request.
[[nodiscard]] std::string target(
    engine::client_options const& options,
    std::string_view server = "http://a") {
    auto const text = text_of(calling(options, server).caller.poll(""));
    return text.substr(4, text.find(' ', 4) - 4);
}

}  // namespace

TEST_CASE("engine/http_caller: requests say what the reference's client says") {
    calling c;
    CHECK(
        text_of(c.caller.poll("")) ==
        "GET /engine.io/?EIO=4&transport=polling&t=STAMP HTTP/1.1\r\n"
        "Host: localhost:3000\r\n"
        "Accept: */*\r\n\r\n");
    CHECK(
        text_of(c.caller.poll("abc")) ==
        "GET /engine.io/?EIO=4&transport=polling&t=STAMP&sid=abc HTTP/1.1\r\n"
        "Host: localhost:3000\r\n"
        "Accept: */*\r\n\r\n");
    CHECK(
        text_of(c.caller.post("abc", "4hi")) ==
        "POST /engine.io/?EIO=4&transport=polling&t=STAMP&sid=abc HTTP/1.1\r\n"
        "Host: localhost:3000\r\n"
        "Accept: */*\r\n"
        "Content-type: text/plain;charset=UTF-8\r\n"
        "Content-Length: 3\r\n\r\n4hi");
    CHECK(
        text_of(c.caller.connect("abc")) ==
        "GET /engine.io/?EIO=4&transport=websocket&sid=abc HTTP/1.1\r\n"
        "Host: localhost:3000\r\n\r\n");
}

TEST_CASE("engine/http_caller: the path has its slash, or has not") {
    engine::client_options options;
    std::string const rest = "?EIO=4&transport=polling&t=STAMP";
    struct {
        std::string path;
        bool slash;
        std::string sent;
    } const cases[] = {
        {"/x", true, "/x/"},
        {"/x/", true, "/x/"},
        {"/x", false, "/x"},
        {"/x/", false, "/x"},
        {"/x/y", false, "/x/y"},
        {"/", true, "/"},
        {"/", false, "/"},
        {"", true, "/"},
        {"", false, "/"},
    };
    for (auto const& c : cases) {
        options.path = c.path;
        options.add_trailing_slash = c.slash;
        CHECK(target(options) == c.sent + rest);
        // What the URL says is the name of a namespace.
        CHECK(target(options, "http://a/nsp") == c.sent + rest);
    }
}

TEST_CASE("engine/http_caller: parameters of the URL and of the options are in each query") {
    engine::client_options options;
    options.query = {{"a b", "c&d"}, {"e", ""}};
    std::string const ours = "/engine.io/?EIO=4&transport=polling&t=STAMP";
    CHECK(target(options) == ours + "&a%20b=c%26d&e=");
    CHECK(target(options, "http://a?own=1%202&&x") == ours + "&own=1%202&x&a%20b=c%26d&e=");
    calling c(options);
    CHECK(c.caller.post("s", "").target.ends_with("&sid=s&a%20b=c%26d&e="));
    CHECK(c.caller.connect("s").target.ends_with("transport=websocket&sid=s&a%20b=c%26d&e="));
}

TEST_CASE("engine/http_caller: nobody else's parameters have the names of the protocol") {
    engine::client_options options;
    options.query = {{"EIO", "3"}, {"transport", "x"}, {"sid", "x"}, {"t", "x"}, {"eio", "mine"}};
    std::string const ours = "/engine.io/?EIO=4&transport=polling&t=STAMP";
    CHECK(target(options) == ours + "&eio=mine");
    CHECK(target({}, "http://a/?E%49O=3&transport&sid=1&t=&tt=2&si%64=x") == ours + "&tt=2");
    options.timestamp_param = "now";
    options.query = {{"now", "x"}, {"t", "mine"}};
    CHECK(target(options).ends_with("&t=mine"));
    CHECK(target(options).find("&now=x") == std::string::npos);
}

TEST_CASE("engine/http_caller: polls are stamped unless told otherwise, WebSockets if told so") {
    std::set<std::string> targets;
    calling c;
    for (int i = 0; i < 100; ++i)
        targets.insert(c.caller.poll("").target);
    CHECK(targets.size() == 100);
    engine::client_options options;
    options.timestamp_polls = false;
    options.timestamp_requests = true;
    options.timestamp_param = "n w";
    calling other(options);
    CHECK(other.caller.poll("").target == "/engine.io/?EIO=4&transport=polling");
    CHECK(other.caller.connect("").target.find("&n%20w=") != std::string::npos);
    CHECK(other.caller.connect("").target != other.caller.connect("").target);
}

TEST_CASE("engine/http_caller: Host is the server's, or what the options say") {
    auto const host = [](engine::client_options const& options, std::string_view server) {
        auto const asked = calling(options, server).caller.poll("");
        CHECK(asked.headers.count("Host") == 1);
        return std::string(asked.headers.get("Host"));
    };
    CHECK(host({}, "http://example.org") == "example.org");
    CHECK(host({}, "https://example.org:443") == "example.org");
    CHECK(host({}, "https://example.org:80") == "example.org:80");
    CHECK(host({}, "ws://[::1]:3000") == "[::1]:3000");
    CHECK(host({}, "http://[::1]") == "[::1]");
    engine::client_options options;
    options.extra_headers.add("host", "other:1");
    CHECK(host(options, "http://example.org") == "other:1");
}

TEST_CASE("engine/http_caller: further header fields are in every request, each once") {
    engine::client_options options;
    options.extra_headers = {{"X-A", "b"}, {"accept", "text/html"}, {"content-type", "x"}};
    calling c(options);
    for (auto const& asked : {c.caller.poll("s"), c.caller.post("s", "4"), c.caller.connect("s")}) {
        CHECK(asked.headers.get("X-A") == "b");
        CHECK(asked.headers.count("Accept") == 1);
        CHECK(asked.headers.count("Content-Type") == 1);
    }
    CHECK(c.caller.post("s", "4").headers.get("Content-Type") == "text/plain;charset=UTF-8");
}

TEST_CASE("engine/http_caller: cookies of the server are sent back as long as they are good") {
    calling c;
    CHECK_FALSE(c.caller.poll("").headers.contains("Cookie"));
    c.learn("a=1; Path=/; Max-Age=10", "set-cookie: b=2; Path=/engine.io");
    c.learn("other=3; Path=/other");
    c.learn("foreign=4; Domain=example.org");
    c.learn("secure=5; Secure");
    CHECK(c.cookies() == "b=2; a=1");
    CHECK(c.caller.post("s", "").headers.get("Cookie") == "b=2; a=1");
    CHECK(c.caller.connect("s").headers.get("Cookie") == "b=2; a=1");
    c.advance(10s);
    CHECK(c.cookies() == "b=2");
    c.learn("b=; Path=/engine.io; Max-Age=0");
    CHECK(c.cookies().empty());
}

TEST_CASE("engine/http_caller: cookies of the program come before those of the server") {
    engine::client_options options;
    options.extra_headers.add("Cookie", "own=0");
    calling c(options);
    CHECK(c.cookies() == "own=0");
    c.learn("a=1");
    CHECK(c.cookies() == "own=0; a=1");
    CHECK(c.caller.poll("").headers.count("Cookie") == 1);
}

TEST_CASE("engine/http_caller: without credentials no cookie is kept, but the program's are sent") {
    engine::client_options options;
    options.with_credentials = false;
    options.extra_headers.add("Cookie", "own=0");
    calling c(options);
    c.learn("a=1");
    CHECK(c.cookies() == "own=0");
}

TEST_CASE("engine/http_caller: what cannot be in a request is refused before there is one") {
    using mistake = void (*)(engine::client_options&);
    mistake const changes[] = {
        [](engine::client_options& o) { o.path = "/a b"; },
        [](engine::client_options& o) { o.path = "/a\r\nX: y"; },
        [](engine::client_options& o) { o.path = std::string("/a\0b", 4); },
        [](engine::client_options& o) { o.path = "engine.io"; },
        [](engine::client_options& o) { o.path = "http://a/b"; },
        [](engine::client_options& o) { o.path = "/a?b"; },
        [](engine::client_options& o) { o.path = "/a#b"; },
        [](engine::client_options& o) { o.extra_headers.add("X-A", "b\r\nX-C: d"); },
        [](engine::client_options& o) { o.extra_headers.add("X-A", std::string("\0", 1)); },
        [](engine::client_options& o) { o.extra_headers.add("X A", "b"); },
        [](engine::client_options& o) { o.extra_headers.add("", "b"); },
        [](engine::client_options& o) {
            o.extra_headers = {{"Host", "a"}, {"Host", "b"}};
        },
        [](engine::client_options& o) { o.extra_headers.add("Host", "a\nb"); },
        [](engine::client_options& o) { o.extra_headers.add("Content-Length", "0"); },
        [](engine::client_options& o) { o.extra_headers.add("Content-Length", "1"); },
        [](engine::client_options& o) { o.extra_headers.add("Transfer-Encoding", "chunked"); },
    };
    for (auto const change : changes) {
        engine::client_options options;
        CHECK_NOTHROW(calling{options});
        change(options);
        CHECK_THROWS_AS(calling{options}, std::invalid_argument);
    }
    // Elsewhere it is encoded.
    engine::client_options options;
    options.query = {{"a\r\nb", "c\n"}};
    options.timestamp_param = "t\r\n";
    calling c(options);
    auto const asked = c.caller.connect("s\r\n");
    CHECK(asked.target.ends_with("&sid=s%0D%0A&a%0D%0Ab=c%0A"));
    CHECK_NOTHROW(std::ignore = http::serialize(asked));
}
