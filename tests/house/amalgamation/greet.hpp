// SPDX-License-Identifier: BSL-1.0
// A handler that is defined in another translation unit than the server.
#pragma once

#include <socoro.hpp>

/// Greets, and ends the connection by returning.
asio::awaitable<void> greet(socoro::socket socket);
