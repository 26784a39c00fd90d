// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/describe.hpp>
#include <socoro/base/error.hpp>
#include <socoro/engine/failure.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

namespace engine = socoro::engine;
using socoro::errc;

namespace {

std::exception_ptr const timeout = std::make_exception_ptr(std::system_error(errc::timeout));
std::exception_ptr const bug = std::make_exception_ptr(std::runtime_error("a bug"));

std::exception_ptr wrapped(std::exception_ptr first) {
    return std::make_exception_ptr(asio::multiple_exceptions(std::move(first)));
}

}  // namespace

TEST_CASE("engine/failure: the code of an exception is found, however deep Asio has wrapped it") {
    CHECK(engine::error_of(timeout) == errc::timeout);
    CHECK(engine::error_of(wrapped(timeout)) == errc::timeout);
    CHECK(engine::error_of(wrapped(wrapped(timeout))) == errc::timeout);
}

TEST_CASE("engine/failure: an exception without a code has none, wrapped or not") {
    CHECK_FALSE(engine::error_of(bug));
    CHECK_FALSE(engine::error_of(wrapped(bug)));
    CHECK_FALSE(engine::error_of(wrapped(nullptr)));
    CHECK_FALSE(engine::error_of(std::make_exception_ptr(7)));
    CHECK_FALSE(engine::error_of(nullptr));
    CHECK_FALSE(engine::unwrapped(nullptr));
}

TEST_CASE("engine/failure: what is said is what the first exception says") {
    CHECK(socoro::describe(engine::unwrapped(wrapped(bug))) == "a bug");
    CHECK(engine::unwrapped(bug) == bug);
    CHECK(engine::unwrapped(wrapped(nullptr)));
}
