// SPDX-License-Identifier: BSL-1.0
// What threads share of TLS. Built with ThreadSanitizer as well.
#include "tls/scene.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using test::credentials;

TEST_CASE("tls/reload: any thread may reload while others are in the middle of handshakes") {
    auto const& all = credentials::get();
    auto options = test::serving(all.server);
    options.hosts.push_back(
        {.name = "example.org", .certificate_file = all.file_of(all.elsewhere)});
    auto const layer = socoro::tls_server(options);
    std::atomic<bool> over = false;
    std::atomic<int> met = 0;
    auto const meet = [&](std::string const& host) {
        while (!over) {
            test::tls_world w;
            w.server_layer = layer;
            w.meet(host);
            if (w.client && w.server && w.pass(w.client, w.server, "hello") == "hello")
                ++met;
            else
                over = true;
        }
    };
    std::vector<std::thread> threads;
    threads.emplace_back(meet, "localhost");
    threads.emplace_back(meet, "example.org");
    for (int i = 0; i < 50; ++i) {
        auto const before = met.load();
        if (i % 2 == 0)
            layer->reload();
        else
            layer->reload(options);
        // Somebody has met since.
        while (!over && met < before + 2)
            std::this_thread::yield();
    }
    CHECK_FALSE(over);
    over = true;
    for (auto& thread : threads)
        thread.join();
    CHECK(met >= 100);
}
