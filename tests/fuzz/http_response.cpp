// SPDX-License-Identifier: BSL-1.0
// The response parser gives the same responses and the same error whatever the pieces, and nothing
// it lets pass could end elsewhere for another reader. The first line of an input is the method of
// the requests that are answered.
#include <socoro/http/response_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

struct answer {
    socoro::http::response message;
    unsigned version;
    bool keep_alive;
    friend bool operator==(answer const&, answer const&) = default;
};

struct outcome {
    std::vector<answer> answers;
    std::error_code error;
    friend bool operator==(outcome const&, outcome const&) = default;
};

/// Small, so that the fuzzer finds the edges.
socoro::limits small_limits() {
    socoro::limits bounds;
    bounds.http_head = 400;
    bounds.http_fields = 8;
    bounds.http_chunk_overhead = 40;
    bounds.max_http_buffer_size = 100;
    return bounds;
}

void require(bool holds) {
    if (!holds)
        __builtin_trap();
}

void collect(socoro::http::response_parser& parser, outcome& seen) {
    auto const version = parser.version();
    auto const keep_alive = parser.keep_alive();
    seen.answers.push_back({parser.take(), version, keep_alive});
    require(parser.idle());
}

outcome read(std::string_view method, std::string_view bytes, std::size_t piece_size) {
    socoro::http::response_parser parser(small_limits());
    parser.expect(method);
    outcome seen;
    while (!bytes.empty()) {
        auto const piece = bytes.substr(0, piece_size);
        auto const consumed = parser.feed(piece);
        if (!consumed) {
            seen.error = consumed.error();
            return seen;
        }
        require(*consumed > 0 && *consumed <= piece.size());
        bytes.remove_prefix(*consumed);
        if (parser.done()) {
            collect(parser, seen);
            parser.expect(method);
        }
    }
    seen.error = parser.finish();
    if (parser.done())
        collect(parser, seen);
    return seen;
}

void check(answer const& a, std::string_view method) {
    auto const& [status, headers, body] = a.message;
    require(a.version == 10 || a.version == 11);
    require(status == 101 || (status >= 200 && status <= 999));
    require(body.size() <= 100 && headers.size() <= 8);
    require(!headers.contains("Content-Length") || !headers.contains("Transfer-Encoding"));
    require(headers.count("Content-Length") <= 1 && headers.count("Transfer-Encoding") <= 1);
    bool const tunnel = status == 101 || (method == "CONNECT" && status / 100 == 2);
    bool const empty = tunnel || method == "HEAD" || socoro::http::is_bodiless(status);
    bool const coded = headers.has_token("Transfer-Encoding", "chunked");
    if (empty)
        require(body.empty());
    else if (headers.contains("Content-Length"))
        require(std::stoull(std::string(headers.get("Content-Length"))) == body.size());
    else
        require(coded || !a.keep_alive);
    require(!a.keep_alive || !tunnel);
    for (auto const& [name, value] : headers) {
        require(socoro::http::detail::is_token(name));
        require(std::none_of(value.begin(), value.end(), socoro::http::is_control));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<char const*>(data), size);
    auto const method = socoro::http::detail::take_until(bytes, '\n');
    auto const whole = read(method, bytes, std::max<std::size_t>(size, 1));
    require(read(method, bytes, 1) == whole);
    require(read(method, bytes, 2 + size % 11) == whole);
    for (auto const& a : whole.answers)
        check(a, method);
    return 0;
}
