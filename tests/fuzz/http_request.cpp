// SPDX-License-Identifier: BSL-1.0
// The request parser gives the same requests and the same error whatever the pieces, and nothing it
// lets pass could be read differently by the next in line.
#include <socoro/http/parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace {

struct outcome {
    std::vector<socoro::http::request> requests;
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

outcome read(std::string_view bytes, std::size_t piece_size) {
    socoro::http::request_parser parser(small_limits());
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
        if (parser.done())
            seen.requests.push_back(parser.take());
    }
    seen.error = parser.finish();
    return seen;
}

void check(socoro::http::request const& r) {
    auto const& headers = r.headers;
    require(r.version == 10 || r.version == 11);
    require(r.body.size() <= 100 && headers.size() <= 8);
    require(headers.count("Host") == 1 || (r.version == 10 && !headers.contains("Host")));
    require(!headers.contains("Content-Length") || !headers.contains("Transfer-Encoding"));
    require(headers.count("Content-Length") <= 1 && headers.count("Transfer-Encoding") <= 1);
    if (headers.contains("Content-Length"))
        require(std::stoull(std::string(headers.get("Content-Length"))) == r.body.size());
    else
        require(r.body.empty() || headers.has_token("Transfer-Encoding", "chunked"));
    for (auto const& [name, value] : headers) {
        require(socoro::http::detail::is_token(name));
        require(std::none_of(value.begin(), value.end(), socoro::http::is_control));
    }
    require(r.path().size() + r.query().size() <= r.target.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    auto const whole = read(bytes, std::max<std::size_t>(size, 1));
    require(read(bytes, 1) == whole);
    require(read(bytes, 2 + size % 11) == whole);
    for (auto const& r : whole.requests)
        check(r);
    return 0;
}
