// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/file.hpp>

#include <doctest/doctest.h>

TEST_CASE("base/file: gives every byte of a file, and nothing if there is none") {
    auto const file = std::filesystem::temp_directory_path() /
                      ("socoro-" + std::to_string(std::hash<std::string>()(__FILE__)));
    std::string const content("a\0\r\n\xff", 5);
    std::ofstream(file, std::ios::binary) << content;
    CHECK(socoro::read_file(file) == content);
    std::filesystem::remove(file);
    CHECK_FALSE(socoro::read_file(file));
    CHECK_FALSE(socoro::read_file(""));
}
