// SPDX-License-Identifier: BSL-1.0
// Values under secret names, which others may try to guess.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::adapter {

/// Secrets are random texts of 20 characters. The first 8 are looked up; the rest is compared in a
/// time that does not tell how much of a guess was right.
template <typename T>
class secret_map {
public:
    /// Replaces what has the same secret.
    void put(std::string_view secret, T value) {
        entries_.insert_or_assign(
            std::string(secret.substr(0, looked_up)),
            entry{std::string(secret), std::move(value)});
    }

    /// The value of this secret, or null.
    [[nodiscard]] T* find(std::string_view secret) {
        auto const found = entries_.find(secret.substr(0, looked_up));
        bool const right = found != entries_.end() && equal(found->second.secret, secret);
        return right ? &found->second.value : nullptr;
    }

    void erase(std::string_view secret) {
        if (find(secret))
            entries_.erase(entries_.find(secret.substr(0, looked_up)));
    }

    void clear() noexcept { entries_.clear(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    static constexpr std::size_t looked_up = 8;
    struct entry {
        std::string secret;
        T value;
    };

    [[nodiscard]] static bool equal(std::string_view a, std::string_view b) noexcept {
        if (a.size() != b.size())
            return false;
        unsigned differences = 0;
        for (std::size_t i = 0; i < a.size(); ++i)
            differences |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
        return differences == 0;
    }

    std::map<std::string, entry, std::less<>> entries_;
};

}  // namespace socoro::adapter
