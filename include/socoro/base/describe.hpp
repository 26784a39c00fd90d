// SPDX-License-Identifier: BSL-1.0
// What a caught exception says.
#pragma once

#include <socoro/base/config.hpp>

#include <exception>
#include <string>
#include <utility>

namespace socoro {

/// The text of an exception.
[[nodiscard]] inline std::string describe(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (std::exception const& e) {
        return e.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace socoro
