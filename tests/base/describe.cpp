// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/describe.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

TEST_CASE("base/describe: says what an exception says, if it says anything") {
    CHECK(socoro::describe(std::make_exception_ptr(std::runtime_error("no soup"))) == "no soup");
    CHECK(socoro::describe(std::make_exception_ptr(7)) == "an exception of unknown type");
}
