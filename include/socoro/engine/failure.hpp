// SPDX-License-Identifier: BSL-1.0
// What an exception out of a handler, or of a step before it, is about. Asio's `||` and `&&` wrap what their operands throw;
// here it is unwrapped.
#pragma once

#include <socoro/base/refused.hpp>
#include <socoro/net/asio.hpp>

#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace socoro::engine {

/// The exception itself, or the first of those that Asio has put into one; null for null.
[[nodiscard]] inline std::exception_ptr unwrapped(std::exception_ptr failure) {
    if (!failure)
        return failure;
    try {
        std::rethrow_exception(failure);
    } catch (asio::multiple_exceptions const& several) {
        auto first = several.first_exception();
        return first ? unwrapped(std::move(first)) : failure;
    } catch (...) {
        return failure;
    }
}

/// The code of a `std::system_error`, wrapped or not; none for any other exception, or null.
[[nodiscard]] inline std::error_code error_of(std::exception_ptr failure) {
    if (!failure)
        return {};
    try {
        std::rethrow_exception(unwrapped(std::move(failure)));
    } catch (std::system_error const& e) {
        return e.code();
    } catch (...) {
        return {};
    }
}

/// The message of a `refused`, wrapped or not; none for any other exception.
[[nodiscard]] inline std::optional<std::string> refusal_of(std::exception_ptr failure) {
    try {
        std::rethrow_exception(unwrapped(std::move(failure)));
    } catch (refused const& e) {
        return e.what();
    } catch (...) {
        return std::nullopt;
    }
}

}  // namespace socoro::engine
