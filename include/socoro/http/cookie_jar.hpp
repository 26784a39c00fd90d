// SPDX-License-Identifier: BSL-1.0
// The cookies that one server has set, as its client keeps them for later requests (RFC 6265
// sections 5.3 and 5.4). No other server gets them, so there is no list of public suffixes here.
// Reading the `Cookie` field of a request is the server's side, in cookie.hpp.
#pragma once

#include <socoro/http/address.hpp>
#include <socoro/http/set_cookie.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::http {

/// Cookies by name, domain and path. What a server sets that is malformed, too large or not for it
/// is not kept; that is no error.
class cookie_jar {
public:
    using time_point = std::chrono::system_clock::time_point;

    /// Cookies at once; with more, the oldest goes. All of them may be sent with each request, so
    /// this is the least that RFC 6265 section 6.1 asks for.
    static constexpr std::size_t max_cookies = 50;
    /// Bytes of name, value and path of one cookie together; from the same section.
    static constexpr std::size_t max_cookie_bytes = 4096;

    /// For a server of this name or address (of IPv6 without brackets), reached through TLS or not:
    /// cookies that are `Secure` are neither kept nor sent without it.
    cookie_jar(std::string_view host, bool secure)
        : host_(detail::lower_case(host))
        , secure_(secure) {}

    /// Keeps the cookie of one `Set-Cookie` field instead of the one there was; one that is expired
    /// removes it. Honours `Expires`, `Max-Age`, `Path`, `Domain` and `Secure`; a cookie without
    /// `Path` is for every path.
    void store(std::string_view text, time_point now);

    /// The value of `Cookie` for a request of this path: the most specific paths first, then the
    /// oldest cookies. Empty when there are none; never with control characters but the tab.
    [[nodiscard]] std::string header(std::string_view path, time_point now) const;

private:
    [[nodiscard]] bool accepts(set_cookie const& cookie) const;

    std::string host_;
    bool secure_;
    std::vector<set_cookie> cookies_;  // the oldest first
};

namespace detail {

/// Whether a cookie of `domain` may be this host's (RFC 6265 section 5.1.3).
[[nodiscard]] inline bool domain_matches(std::string_view host, std::string_view domain) {
    if (host == domain)
        return true;
    bool const within = host.size() > domain.size() && host.ends_with(domain) &&
                        host[host.size() - domain.size() - 1] == '.';
    return within && !is_ipv4(host) && !is_ipv6(host);
}

/// Whether a request of `path` gets the cookies of `cookie_path` (RFC 6265 section 5.1.4).
[[nodiscard]] inline bool path_matches(std::string_view path, std::string_view cookie_path) {
    if (!path.starts_with(cookie_path))
        return false;
    return path.size() == cookie_path.size() || cookie_path.ends_with('/') ||
           path[cookie_path.size()] == '/';
}

[[nodiscard]] inline bool is_expired(set_cookie const& cookie, cookie_jar::time_point now) {
    return cookie.expiry && *cookie.expiry <= std::chrono::floor<std::chrono::seconds>(now);
}

}  // namespace detail

inline bool cookie_jar::accepts(set_cookie const& cookie) const {
    auto const size = cookie.name.size() + cookie.value.size() + cookie.path.size();
    return size <= max_cookie_bytes && (secure_ || !cookie.secure) &&
           detail::domain_matches(host_, cookie.domain);
}

inline void cookie_jar::store(std::string_view text, time_point now) {
    auto cookie = parse_set_cookie(text, now);
    if (!cookie)
        return;
    if (cookie->domain.empty())
        cookie->domain = host_;
    if (!accepts(*cookie))
        return;
    std::erase_if(cookies_, [now](auto const& kept) { return detail::is_expired(kept, now); });
    auto const same = std::find_if(cookies_.begin(), cookies_.end(), [&](auto const& kept) {
        return kept.name == cookie->name && kept.domain == cookie->domain &&
               kept.path == cookie->path;
    });
    bool const gone = detail::is_expired(*cookie, now);
    if (same != cookies_.end()) {
        if (gone)
            cookies_.erase(same);
        else
            *same = std::move(*cookie);
    } else if (!gone) {
        if (cookies_.size() == max_cookies)
            cookies_.erase(cookies_.begin());
        cookies_.push_back(std::move(*cookie));
    }
}

inline std::string cookie_jar::header(std::string_view path, time_point now) const {
    auto const longer = [](auto const* a, auto const* b) {
        return a->path.size() > b->path.size();
    };
    std::vector<set_cookie const*> sent;
    for (auto const& cookie : cookies_)
        if (!detail::is_expired(cookie, now) && detail::path_matches(path, cookie.path))
            sent.insert(std::upper_bound(sent.begin(), sent.end(), &cookie, longer), &cookie);
    std::string out;
    for (auto const* cookie : sent)
        out.append(out.empty() ? "" : "; ").append(cookie->name + '=' + cookie->value);
    return out;
}

}  // namespace socoro::http
