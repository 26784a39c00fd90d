// SPDX-License-Identifier: BSL-1.0
// The layer above a session, as the session sees it.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/message.hpp>

namespace socoro::engine {

/// Who takes what a session receives. Called on the session's executor.
class sink {
public:
    virtual ~sink() = default;
    /// A message arrived.
    virtual void on_message(message&& received) = 0;
    /// Whether the next message may come. While it may not, the session does not read, so that
    /// the peer has to wait; `session_core::resume` makes it ask again.
    [[nodiscard]] virtual bool wants_more() const = 0;
    /// The session ended; nothing is called after this.
    virtual void on_close(errc reason) = 0;
};

}  // namespace socoro::engine
