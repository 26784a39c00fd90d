// SPDX-License-Identifier: BSL-1.0
// What the program says about a request before the server answers it: the steps of `use_requests`,
// and `allow_request`.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/engine/failure.hpp>
#include <socoro/engine/pending_request.hpp>
#include <socoro/engine/refusals.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace socoro::engine {

namespace detail {

/// What a step throws, if it does.
[[nodiscard]] inline asio::awaitable<std::exception_ptr> objection_of(
    request_step const& step,
    pending_request& asked) {
    try {
        co_await step(asked);
    } catch (...) {
        co_return std::current_exception();
    }
    co_return nullptr;
}

/// The answer that a step gave itself, with the fields that were added before under other names.
[[nodiscard]] inline http::response own_answer(pending_request& asked) {
    auto answer = std::move(*asked.answer);
    for (auto const& field : answer.headers)
        asked.headers.erase(field.name);
    for (auto const& field : answer.headers)
        asked.headers.add(field.name, field.value);
    answer.headers = std::move(asked.headers);
    // Nobody here speaks the other protocol.
    if (asked.request.wants_upgrade())
        answer.headers.set("Connection", "close");
    return answer;
}

}  // namespace detail

/// Runs a step. Gives what the request is to be answered with: the step's own answer, or `refusal`
/// if it threw. Nothing if the request may go on. What is thrown by one that was cancelled goes on.
[[nodiscard]] inline asio::awaitable<std::optional<http::response>>
ask(request_step const& step, pending_request& asked, verdict const& refusal, hooks const& told) {
    auto const objection = co_await detail::objection_of(step, asked);
    if (!objection) {
        if (asked.answer)
            co_return detail::own_answer(asked);
        co_return std::nullopt;
    }
    auto const state = co_await asio::this_coro::cancellation_state;
    // Who was cancelled has neither failed nor refused anything.
    if (state.cancelled() != asio::cancellation_type::none)
        std::rethrow_exception(objection);
    auto const message = refusal_of(objection);
    if (!message)
        notify(told.handler_failed, asked.request.path(), describe(unwrapped(objection)));
    co_return refuse(told, asked, refusal, message.value_or(std::string()));
}

}  // namespace socoro::engine
