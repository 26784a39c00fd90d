// SPDX-License-Identifier: BSL-1.0
// How a middleware says no.
#pragma once

#include <boost/json.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace socoro {

/// Thrown by a middleware, it refuses the connection: the client gets `connect_error` with this
/// message and these data.
class refused : public std::runtime_error {
public:
    explicit refused(std::string const& message) : std::runtime_error(message) {}
    refused(std::string const& message, boost::json::value data)
        : std::runtime_error(message)
        , data_(std::move(data)) {}

    [[nodiscard]] std::optional<boost::json::value> const& data() const noexcept { return data_; }

private:
    std::optional<boost::json::value> data_;
};

}  // namespace socoro
