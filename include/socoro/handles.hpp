// SPDX-License-Identifier: BSL-1.0
// The names of the handles that programs use, and of what they are made for: which executor, and
// which contract. What they can do is in headers of their own.
#pragma once

#include <socoro/net/asio.hpp>

namespace socoro {

struct no_contract;

/// One client in one namespace, seen from the server. What it gives to wait for is awaited by
/// coroutines on `Executor`, as `asio::awaitable<void, Executor>`.
template <typename Executor = asio::any_io_executor, typename Contract = no_contract>
class basic_socket;

/// The same, seen from the client.
template <typename Executor = asio::any_io_executor, typename Contract = no_contract>
class basic_client_socket;

/// Whom to send to.
template <typename Executor = asio::any_io_executor, typename Contract = no_contract>
class basic_broadcast;

/// One namespace of a server.
template <typename Executor = asio::any_io_executor>
class basic_nsp;

/// The namespaces that one rule lets into being.
template <typename Executor = asio::any_io_executor>
class basic_nsp_family;

/// A socket that may be on another node.
template <typename Executor = asio::any_io_executor, typename Contract = no_contract>
class basic_remote_socket;

/// A socket whose events are not restricted by a contract: see `contract::socket` for one that is.
using socket = basic_socket<>;

/// A socket of a client whose events are not restricted by a contract.
using client_socket = basic_client_socket<>;

/// A socket that may be on another node, any event.
using remote_socket = basic_remote_socket<>;

/// Whom to send to, any event.
using broadcast_operator = basic_broadcast<>;

}  // namespace socoro
