// SPDX-License-Identifier: BSL-1.0
// How the program of a server refuses a client: a request, or a connection to a namespace.
#pragma once

#include <socoro/base/error.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace socoro {

/// Thrown by a middleware of a server, it refuses the connection: the client gets `connect_error`
/// with this message and these data. Thrown by `allow_request` or by what `use_requests` was given,
/// it refuses the request: the answer has this message, and no data. Thrown by `client::connect`,
/// it tells of that. Its code is `errc::refused`.
class refused : public std::system_error {
public:
    explicit refused(std::string message)
        : std::system_error(make_error_code(errc::refused))
        , message_(std::move(message)) {}
    refused(std::string message, boost::json::value data)
        : std::system_error(make_error_code(errc::refused))
        , message_(std::move(message))
        , data_(std::move(data)) {}

    /// The message, and nothing else.
    [[nodiscard]] char const* what() const noexcept override { return message_.c_str(); }

    [[nodiscard]] std::optional<boost::json::value> const& data() const noexcept { return data_; }

private:
    std::string message_;
    std::optional<boost::json::value> data_;
};

}  // namespace socoro
