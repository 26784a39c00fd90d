// SPDX-License-Identifier: BSL-1.0
// How the servers of one service, in processes of their own, reach each other: what a program gives
// a server, so that its broadcasts and requests reach the clients of all. Between the shards of one
// server nothing of it is needed.
#pragma once

#include <socoro/adapter/message.hpp>
#include <socoro/net/asio.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace socoro {

/// What is told what other nodes say: a server.
class cluster_receiver {
public:
    virtual ~cluster_receiver() = default;
    /// Another node has said this to all, or to this one. On the executor that `start` named. What
    /// this node itself has published is passed over.
    virtual void on_message(std::shared_ptr<adapter::envelope const> said) = 0;
};

/// Connects the servers of one service. A server is one node, however many shards it has. It is an
/// option of the server; everything is called on the first executor of the server, so it takes no
/// locks, and nothing is called any more once the server is closed. It must not throw.
class cluster_adapter {
public:
    cluster_adapter() = default;
    cluster_adapter(cluster_adapter const&) = delete;
    cluster_adapter& operator=(cluster_adapter const&) = delete;
    virtual ~cluster_adapter() = default;

    /// The server is there: its name among all nodes, 16 characters, and whom to tell what others
    /// say, on `ex`. Comes first, and once: an adapter belongs to one server.
    virtual void start(
        std::string const& node,
        std::weak_ptr<cluster_receiver> told,
        asio::any_io_executor const& ex) = 0;

    /// The server has a namespace of this name from now on, and wants to be told about it.
    virtual void on_namespace(std::string const& name) = 0;

    /// Says something to every other node. Those who get several messages of one node get them in
    /// the order of these calls.
    virtual void publish(std::shared_ptr<adapter::envelope const> said) = 0;

    /// Says something to one node: the answer to its request.
    virtual void answer(std::string const& node, std::shared_ptr<adapter::envelope const> said) = 0;

    /// Calls `tell`, now or later, with the number of other nodes that will answer a request about
    /// this namespace, so that who asks knows when all have. On the executor of `start`, once.
    virtual void count_nodes(std::string const& nsp, std::function<void(std::size_t)> tell) = 0;

    /// The server has closed.
    virtual void stop() = 0;
};

}  // namespace socoro
