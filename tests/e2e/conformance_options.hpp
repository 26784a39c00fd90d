// SPDX-License-Identifier: BSL-1.0
// A server's options as the end-to-end tests write them down: JSON, under the reference's names.
// Node's server with the same options is in helpers/same_server.mjs.
#pragma once

#include <socoro/server.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

namespace json = socoro::json;

inline void read(json::value const& from, bool& into) {
    into = from.as_bool();
}
inline void read(json::value const& from, std::size_t& into) {
    into = from.to_number<std::size_t>();
}
inline void read(json::value const& from, std::string& into) {
    into = from.as_string();
}
inline void read(json::value const& from, std::chrono::milliseconds& into) {
    into = std::chrono::milliseconds(from.to_number<std::int64_t>());
}
inline void read(json::value const& from, std::chrono::seconds& into) {
    into = std::chrono::seconds(from.to_number<std::int64_t>());
}
inline void read(json::value const& from, std::vector<std::string>& into) {
    into = from.is_string() ? std::vector<std::string>{std::string(from.as_string())}
                            : json::value_to<std::vector<std::string>>(from);
}
inline void read(json::value const& from, socoro::origin_check& into) {
    using socoro::origin_check;
    into = from == "never"    ? origin_check::never
           : from == "always" ? origin_check::always
                              : origin_check::with_credentials;
}
inline void read(json::value const& from, socoro::same_site& into) {
    using socoro::same_site;
    into = from == "strict" ? same_site::strict
           : from == "none" ? same_site::none
           : from == "lax"  ? same_site::lax
                            : same_site::unspecified;
}
template <typename T>
void read(json::value const& from, std::optional<T>& into) {
    read(from, into.emplace());
}

void read(json::value const& from, socoro::cors_options& into);
void read(json::value const& from, socoro::cookie_options& into);
void read(json::value const& from, socoro::recovery_options& into);

/// Reads the members that it is asked for, and knows whether there were others.
class members {
public:
    explicit members(json::object const& from) : from_(from) {}

    template <typename T>
    void option(std::string_view name, T& into) {
        if (auto const* const value = find(name))
            read(*value, into);
    }
    [[nodiscard]] json::value const* find(std::string_view name) {
        auto const* const value = from_.if_contains(name);
        known_ += value != nullptr;
        return value;
    }
    [[nodiscard]] bool is_set(std::string_view name) {
        bool set = false;
        option(name, set);
        return set;
    }
    /// Throws for a name that nobody asked for: a test that means another option tests nothing.
    void check() const {
        if (known_ != from_.size())
            throw std::invalid_argument("an unknown option among " + json::serialize(from_));
    }

private:
    json::object const& from_;
    std::size_t known_ = 0;
};

/// `originSuffix` stands for a predicate.
inline void read(json::value const& from, socoro::cors_options& into) {
    members given(from.as_object());
    given.option("origin", into.origins);
    given.option("credentials", into.credentials);
    given.option("methods", into.methods);
    given.option("allowedHeaders", into.allowed_headers);
    given.option("exposedHeaders", into.exposed_headers);
    given.option("maxAge", into.max_age);
    std::optional<std::string> suffix;
    given.option("originSuffix", suffix);
    if (suffix)
        into.allows_origin = [end = *suffix](std::string_view origin) {
            return origin.ends_with(end);
        };
    given.check();
}

inline void read(json::value const& from, socoro::cookie_options& into) {
    into.enabled = from != false;
    if (from.is_bool())
        return;
    members given(from.as_object());
    given.option("name", into.name);
    given.option("path", into.path);
    given.option("httpOnly", into.http_only);
    given.option("sameSite", into.same_site);
    given.option("secure", into.secure);
    given.option("partitioned", into.partitioned);
    given.option("domain", into.domain);
    given.option("maxAge", into.max_age);
    given.check();
}

inline void read(json::value const& from, socoro::recovery_options& into) {
    into.enabled = true;
    members given(from.as_object());
    given.option("maxDisconnectionDuration", into.max_disconnection_duration);
    given.check();
}

/// Does what the query of the request says: `deny=words`, `bug`, `own`.
inline asio::awaitable<void> obey(socoro::pending_request& asked) {
    socoro::http::query const query(asked.request.query());
    asked.headers.set("x-step", "seen");
    if (query.contains("deny"))
        throw socoro::refused(std::string(query.get("deny")));
    if (query.contains("bug"))
        throw std::runtime_error("a secret");
    if (query.contains("own"))
        asked.answer = socoro::http::text(409, "taken", "text/plain");
    co_return;
}

/// Has the hooks say what they are told.
inline void tell(socoro::hooks& hooks) {
    hooks.connection_error = [](socoro::connection_error const& e) {
        std::cout << "refused " << e.code << ' ' << e.message << ' ' << e.context << ' '
                  << e.request.method << std::endl;
    };
    hooks.connection_dropped = [](socoro::dropped_connection const& e) {
        std::cout << "dropped " << e.count << std::endl;
    };
    hooks.session_opened = [](socoro::opened_session const& s) {
        std::cout << "opened " << s.sid << ' ' << s.transport << std::endl;
    };
    hooks.upgraded = [](socoro::upgraded_session const& s) {
        std::cout << "upgraded " << s.sid << ' ' << s.from << ' ' << s.to << std::endl;
    };
    hooks.session_closed = [](socoro::closed_session const& s) {
        std::cout << "closed " << s.sid << ' ' << s.transport << ": " << s.reason.message()
                  << std::endl;
    };
}

inline void add_headers(socoro::hooks& hooks) {
    hooks.initial_headers = [](socoro::http::fields& fields, socoro::http::request const&) {
        fields.set("x-initial", "1");
    };
    hooks.headers = [](socoro::http::fields& fields, socoro::http::request const&) {
        fields.set("x-each", "2");
    };
}

/// Sets the options of a server; gives whether its requests pass `obey` first.
[[nodiscard]] inline bool read(json::object const& from, socoro::options& into) {
    members given(from);
    given.option("path", into.path);
    given.option("addTrailingSlash", into.add_trailing_slash);
    given.option("transports", into.transports);
    given.option("allowUpgrades", into.allow_upgrades);
    given.option("pingInterval", into.ping_interval);
    given.option("pingTimeout", into.ping_timeout);
    given.option("cors", into.cors);
    given.option("checkOrigin", into.check_origin);
    given.option("cookie", into.cookie);
    given.option("trustedProxies", into.trusted_proxies);
    given.option("connectionStateRecovery", into.connection_state_recovery);
    given.option("maxClients", into.max_clients);
    given.option("maxConnections", into.max_connections);
    if (given.is_set("allowRequest"))
        into.allow_request = obey;
    if (given.is_set("generateId"))
        into.generate_id = [](socoro::http::request const& request) {
            return std::string(socoro::http::query(request.query()).get("id"));
        };
    if (given.is_set("tell"))
        tell(into.hooks);
    if (given.is_set("headers"))
        add_headers(into.hooks);
    bool const uses = given.is_set("useRequests");
    given.check();
    return uses;
}

}  // namespace conformance
