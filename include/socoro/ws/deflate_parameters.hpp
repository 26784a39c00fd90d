// SPDX-License-Identifier: BSL-1.0
// The negotiation of permessage-deflate (RFC 7692 sections 5 and 7.1): what a client offers, what a
// server answers, and what each may not say. Nothing is compressed here.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/ws/extension_list.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::ws {

/// The name of the extension.
inline constexpr std::string_view deflate_name = "permessage-deflate";

/// The parameters of the extension: wished for, offered, or agreed on.
struct deflate_parameters {
    /// The server forgets each message before it compresses the next.
    bool server_no_context_takeover = false;
    /// So does the client.
    bool client_no_context_takeover = false;
    /// The base-two logarithm of how far what the server compresses refers back, 8 to 15; without
    /// a number 15.
    std::optional<int> server_max_window_bits = std::nullopt;
    /// The same for the client.
    std::optional<int> client_max_window_bits = std::nullopt;

    [[nodiscard]] friend bool operator==(deflate_parameters const&, deflate_parameters const&) =
        default;
};

/// The window of an end that named none, and the bounds of all.
inline constexpr int most_window_bits = 15;
inline constexpr int least_window_bits = 8;

/// What a client offers that wishes for this.
[[nodiscard]] std::string deflate_offer(deflate_parameters const& wished);

/// What a server has accepted: what is agreed on, and how it says so.
struct deflate_acceptance {
    deflate_parameters agreed;
    std::string answer;
};

/// As a server that wishes for this: the first offer of the list that is valid and acceptable.
[[nodiscard]] std::optional<deflate_acceptance> accept_deflate_offer(
    std::vector<extension_entry> const& offers,
    deflate_parameters const& wished);

/// As a client that offered `deflate_offer(wished)`: what is agreed on by this answer. Errors:
/// `ws_bad_extensions` for another extension, for parameters that break the rules, and for those
/// that are more than was asked for.
[[nodiscard]] result<deflate_parameters> accept_deflate_answer(
    std::vector<extension_entry> const& answer,
    deflate_parameters const& wished);

namespace detail {

inline constexpr std::string_view server_takeover = "server_no_context_takeover";
inline constexpr std::string_view client_takeover = "client_no_context_takeover";
inline constexpr std::string_view server_window = "server_max_window_bits";
inline constexpr std::string_view client_window = "client_max_window_bits";

/// A number from 8 to 15 without leading zeros.
[[nodiscard]] inline std::optional<int> window_bits_of(std::string_view text) {
    static constexpr std::array<std::string_view, 8>
        numbers{"8", "9", "10", "11", "12", "13", "14", "15"};
    auto const* const found = std::find(numbers.begin(), numbers.end(), text);
    if (found == numbers.end())
        return std::nullopt;
    return least_window_bits + static_cast<int>(found - numbers.begin());
}

/// Reads one parameter; false if it may not be there, or not with that value.
[[nodiscard]] inline bool
read_parameter(extension_parameter const& from, bool is_offer, deflate_parameters& into) {
    if (from.name == server_takeover || from.name == client_takeover) {
        bool& flag = from.name == server_takeover ? into.server_no_context_takeover
                                                  : into.client_no_context_takeover;
        bool const fits = !from.value && !flag;
        flag = true;
        return fits;
    }
    if (from.name != server_window && from.name != client_window)
        return false;
    auto& bits =
        from.name == server_window ? into.server_max_window_bits : into.client_max_window_bits;
    bool const twice = bits.has_value();
    if (from.value)
        bits = window_bits_of(*from.value);
    else if (is_offer && from.name == client_window)
        // The client only says that it understands the parameter.
        bits = most_window_bits;
    return bits && !twice;
}

[[nodiscard]] inline std::optional<deflate_parameters> read_parameters(
    extension_entry const& entry,
    bool is_offer) {
    deflate_parameters read;
    for (auto const& parameter : entry.parameters)
        if (!read_parameter(parameter, is_offer, read))
            return std::nullopt;
    return read;
}

/// The smaller of two windows, of which neither or both may be named.
[[nodiscard]] inline std::optional<int> smaller_of(std::optional<int> a, std::optional<int> b) {
    return a && b ? std::min(a, b) : a ? a : b;
}

/// Writes parameters down: first those that `order` names, in its order.
[[nodiscard]] inline std::string write_parameters(
    deflate_parameters const& p,
    std::vector<std::string_view> order) {
    order.insert(order.end(), {server_takeover, client_takeover, server_window, client_window});
    std::string out(deflate_name);
    auto left = p;
    auto const append_flag = [&](std::string_view name, bool& flag) {
        if (std::exchange(flag, false))
            out.append("; ").append(name);
    };
    auto const append_bits = [&](std::string_view name, std::optional<int>& bits) {
        if (auto const number = std::exchange(bits, std::nullopt))
            out.append("; ").append(name).append("=").append(std::to_string(*number));
    };
    for (auto const name : order) {
        if (name == server_takeover)
            append_flag(name, left.server_no_context_takeover);
        else if (name == client_takeover)
            append_flag(name, left.client_no_context_takeover);
        else if (name == server_window)
            append_bits(name, left.server_max_window_bits);
        else if (name == client_window)
            append_bits(name, left.client_max_window_bits);
    }
    return out;
}

/// What is agreed on if a server that wishes for this accepts the offer; nothing if it cannot.
[[nodiscard]] inline std::optional<deflate_parameters> meet(
    deflate_parameters const& offered,
    bool names_client_window,
    deflate_parameters const& wished) {
    deflate_parameters agreed;
    agreed.server_no_context_takeover =
        offered.server_no_context_takeover || wished.server_no_context_takeover;
    agreed.client_no_context_takeover =
        offered.client_no_context_takeover || wished.client_no_context_takeover;
    agreed.server_max_window_bits =
        smaller_of(offered.server_max_window_bits, wished.server_max_window_bits);
    if (offered.client_max_window_bits) {
        // One that the client did not name need not be answered.
        auto const named = names_client_window ? offered.client_max_window_bits : std::nullopt;
        agreed.client_max_window_bits = smaller_of(named, wished.client_max_window_bits);
    } else if (wished.client_max_window_bits.value_or(most_window_bits) < most_window_bits) {
        // Section 7.1.2.2: a client that does not name the parameter cannot be told.
        return std::nullopt;
    }
    return agreed;
}

}  // namespace detail

inline std::string deflate_offer(deflate_parameters const& wished) {
    auto offer = detail::write_parameters(wished, {});
    if (!wished.client_max_window_bits)
        offer.append("; ").append(detail::client_window);
    return offer;
}

inline std::optional<deflate_acceptance> accept_deflate_offer(
    std::vector<extension_entry> const& offers,
    deflate_parameters const& wished) {
    for (auto const& offer : offers) {
        auto const offered =
            offer.name == deflate_name ? detail::read_parameters(offer, true) : std::nullopt;
        if (!offered)
            continue;
        std::vector<std::string_view> order;
        bool names_client_window = false;
        for (auto const& parameter : offer.parameters) {
            order.push_back(parameter.name);
            names_client_window |= parameter.name == detail::client_window && parameter.value;
        }
        if (auto const agreed = detail::meet(*offered, names_client_window, wished))
            return deflate_acceptance{*agreed, detail::write_parameters(*agreed, order)};
    }
    return std::nullopt;
}

inline result<deflate_parameters> accept_deflate_answer(
    std::vector<extension_entry> const& answer,
    deflate_parameters const& wished) {
    bool const is_ours = answer.size() == 1 && answer.front().name == deflate_name;
    auto agreed = is_ours ? detail::read_parameters(answer.front(), false) : std::nullopt;
    if (!agreed)
        return errc::ws_bad_extensions;
    auto const server_bits = agreed->server_max_window_bits.value_or(most_window_bits);
    auto const client_bits = agreed->client_max_window_bits.value_or(least_window_bits);
    if ((wished.server_no_context_takeover && !agreed->server_no_context_takeover) ||
        server_bits > wished.server_max_window_bits.value_or(most_window_bits) ||
        client_bits > wished.client_max_window_bits.value_or(most_window_bits))
        return errc::ws_bad_extensions;
    // A client may do with less than the server allows, and forget what it need not.
    agreed->client_max_window_bits =
        detail::smaller_of(agreed->client_max_window_bits, wished.client_max_window_bits);
    agreed->client_no_context_takeover |= wished.client_no_context_takeover;
    return *agreed;
}

}  // namespace socoro::ws
