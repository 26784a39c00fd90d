// SPDX-License-Identifier: BSL-1.0
// The content of a file.
#pragma once

#include <socoro/base/config.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace socoro {

/// The bytes of a file, or nothing if it cannot be read. Blocks until they are read.
[[nodiscard]] inline std::optional<std::string> read_file(std::filesystem::path const& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace socoro
