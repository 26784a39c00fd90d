// SPDX-License-Identifier: BSL-1.0
// A system whose resolver takes as long as the test wants. It stands in for the system's own
// function in the whole program, so exactly one source of a program includes it.
#pragma once

#include <condition_variable>
#include <dlfcn.h>
#include <mutex>
#include <netdb.h>

namespace test {

/// As long as one lives, the system looks no name up: it lets everybody wait.
class resolver_gate {
public:
    resolver_gate() { set(true); }
    resolver_gate(resolver_gate const&) = delete;
    resolver_gate& operator=(resolver_gate const&) = delete;
    ~resolver_gate() { set(false); }

    /// Waits while there is a gate. Called by the threads that look names up.
    static void pass() {
        auto& s = shared();
        std::unique_lock lock(s.mutex);
        s.changed.wait(lock, [&s] { return !s.shut; });
    }

private:
    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        bool shut = false;
    };
    [[nodiscard]] static state& shared() {
        static state instance;
        return instance;
    }
    static void set(bool shut) {
        auto& s = shared();
        std::lock_guard const lock(s.mutex);
        s.shut = shut;
        s.changed.notify_all();
    }
};

}  // namespace test

extern "C" int
getaddrinfo(char const* name, char const* service, addrinfo const* hints, addrinfo** found) {
    test::resolver_gate::pass();
    static auto const system =
        reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return system(name, service, hints, found);
}
