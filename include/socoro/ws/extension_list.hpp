// SPDX-License-Identifier: BSL-1.0
// The value of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1): names of extensions with
// parameters. What they mean is not known here.
#pragma once

#include <socoro/base/result.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::ws {

/// A parameter of an extension; `flag` has no value, `flag=1` and `flag="1"` have.
struct extension_parameter {
    std::string name;
    std::optional<std::string> value = std::nullopt;

    [[nodiscard]] friend bool operator==(extension_parameter const&, extension_parameter const&) =
        default;
};

/// One extension of a list.
struct extension_entry {
    std::string name;
    std::vector<extension_parameter> parameters;

    [[nodiscard]] friend bool operator==(extension_entry const&, extension_entry const&) = default;
};

/// Reads a list, in one pass. Elements may be empty, but not all of them.
/// Errors: `ws_bad_extensions` for anything that breaks the grammar; a quoted value has to be a
/// token, too.
[[nodiscard]] result<std::vector<extension_entry>> parse_extensions(std::string_view header);

namespace detail {

[[nodiscard]] constexpr bool is_token_character(char c) noexcept {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
}

/// Reads a list from its front.
class extension_scanner {
public:
    explicit extension_scanner(std::string_view text) : rest_(text) { skip_blanks(); }

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

    /// Takes this character, if it is next, and the blanks behind it.
    [[nodiscard]] bool take(char wanted) {
        if (!rest_.starts_with(wanted))
            return false;
        rest_.remove_prefix(1);
        skip_blanks();
        return true;
    }

    /// A token, and the blanks behind it; empty if there is none.
    [[nodiscard]] std::string take_token() {
        std::size_t size = 0;
        while (size < rest_.size() && is_token_character(rest_[size]))
            ++size;
        std::string token(rest_.substr(0, size));
        rest_.remove_prefix(size);
        skip_blanks();
        return token;
    }

    /// A token or a quoted one; empty if there is neither.
    [[nodiscard]] std::string take_value() {
        return rest_.starts_with('"') ? take_quoted() : take_token();
    }

private:
    [[nodiscard]] std::string take_quoted() {
        std::string value;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                skip_blanks();
                return value;
            }
            if (rest_[i] == '\\')
                ++i;
            if (i == rest_.size() || !is_token_character(rest_[i]))
                break;
            value += rest_[i];
        }
        return {};
    }

    void skip_blanks() {
        while (rest_.starts_with(' ') || rest_.starts_with('\t'))
            rest_.remove_prefix(1);
    }

    std::string_view rest_;
};

/// One extension, up to the comma behind it; nothing if it breaks the grammar.
[[nodiscard]] inline std::optional<extension_entry> take_extension(extension_scanner& from) {
    extension_entry entry;
    entry.name = from.take_token();
    if (entry.name.empty())
        return std::nullopt;
    while (from.take(';')) {
        extension_parameter parameter{from.take_token()};
        if (parameter.name.empty())
            return std::nullopt;
        if (from.take('=')) {
            parameter.value = from.take_value();
            if (parameter.value->empty())
                return std::nullopt;
        }
        entry.parameters.push_back(std::move(parameter));
    }
    return entry;
}

}  // namespace detail

inline result<std::vector<extension_entry>> parse_extensions(std::string_view header) {
    detail::extension_scanner scanner(header);
    std::vector<extension_entry> list;
    do {
        while (scanner.take(',')) {
        }
        if (scanner.at_end())
            break;
        auto entry = detail::take_extension(scanner);
        if (!entry)
            return errc::ws_bad_extensions;
        list.push_back(std::move(*entry));
    } while (scanner.take(','));
    if (list.empty() || !scanner.at_end())
        return errc::ws_bad_extensions;
    return list;
}

}  // namespace socoro::ws
