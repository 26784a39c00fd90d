// SPDX-License-Identifier: BSL-1.0
// Queries, percent-encoded paths and cookies: nothing is invented, and what one finds is there.
#include <socoro/http/cookie.hpp>
#include <socoro/http/query.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds)
        __builtin_trap();
}

/// The list finds the first of each name, and its bytes are no more than the text's.
template <typename List>
void check(List const& list, std::string_view text) {
    std::size_t bytes = 0, looked_up = 0;
    for (auto const& item : list) {
        bytes += item.name.size() + item.value.size();
        if (looked_up++ < 16)
            require(list.contains(item.name) && list.find(item.name) == list.get(item.name));
    }
    require(bytes <= text.size());
    if (!list.empty())
        require(list.get(list.begin()->name) == list.begin()->value);
}

std::string escaped(std::string_view bytes) {
    static constexpr char hex[] = "0123456789aBcDeF";
    std::string text;
    for (char const c : bytes) {
        auto const code = static_cast<unsigned char>(c);
        text += {'%', hex[code / 16], hex[code % 16]};
    }
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    check(socoro::http::query(text), text);
    check(socoro::http::cookies(text), text);
    if (auto const path = socoro::http::percent_decode_path(text))
        require(path->size() <= size && path->find('\0') == std::string::npos);
    require(socoro::http::decode_form(escaped(text)) == text);
    require(socoro::http::query(escaped(text) + "=" + escaped(text)).get(text) == text);
    return 0;
}
