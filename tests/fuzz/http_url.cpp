// SPDX-License-Identifier: BSL-1.0
// A URL that is accepted names one host, and put together again it is the same URL; its parts make
// a request as they are.
#include <socoro/http/serializer.hpp>
#include <socoro/http/url.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

namespace {

void require(bool holds) {
    if (!holds)
        __builtin_trap();
}

std::string together(socoro::http::url const& parts) {
    using socoro::http::encode_component;
    auto text = parts.scheme + "://" + encode_component(parts.user) + ':' +
                encode_component(parts.password) + '@' + parts.authority() + parts.path;
    return parts.query.empty() ? text : text + '?' + parts.query;
}

void check(socoro::http::url const& parts) {
    require(parts.port != 0 && !parts.host.empty());
    require(parts.host.find_first_of("@/\\%[]ABC") == std::string::npos);
    auto const again = socoro::http::parse_url(together(parts));
    require(again.has_value() && *again == parts);
    socoro::http::request request{"GET", parts.path, 11, {{"Host", parts.authority()}}, ""};
    require(!socoro::http::check_head(request));
    std::ignore = socoro::http::serialize(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const parts = socoro::http::parse_url({reinterpret_cast<char const*>(data), size});
    if (parts)
        check(*parts);
    return 0;
}
