// SPDX-License-Identifier: BSL-1.0
// socoro: this executor may run several tasks at once
#include <socoro/server.hpp>

void open(asio::thread_pool& pool) {
    socoro::basic_server<asio::thread_pool::executor_type> io(pool.get_executor());
}
