// SPDX-License-Identifier: BSL-1.0
// What both Engine.IO and Socket.IO carry: one run of text or of bytes.
#pragma once

#include <socoro/base/config.hpp>

#include <string>

namespace socoro {

/// A text (UTF-8) or binary message, whole.
struct message {
    bool binary = false;
    std::string data;

    [[nodiscard]] friend bool operator==(message const&, message const&) = default;
};

}  // namespace socoro
