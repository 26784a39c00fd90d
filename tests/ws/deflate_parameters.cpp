// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/deflate_parameters.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

namespace {

namespace ws = socoro::ws;
using parameters = ws::deflate_parameters;

/// What a server that wishes for this answers; `-` if it accepts nothing.
std::string answer_to(std::string_view offers, parameters const& wished = {}) {
    auto const accepted = ws::accept_deflate_offer(*ws::parse_extensions(offers), wished);
    return accepted ? accepted->answer : "-";
}

std::optional<parameters> agreed_by_server(std::string_view offers, parameters const& wished = {}) {
    auto const accepted = ws::accept_deflate_offer(*ws::parse_extensions(offers), wished);
    return accepted ? std::optional(accepted->agreed) : std::nullopt;
}

/// What a client that wishes for this makes of an answer.
std::optional<parameters> agreed_by_client(std::string_view answer, parameters const& wished = {}) {
    auto const agreed = ws::accept_deflate_answer(*ws::parse_extensions(answer), wished);
    if (!agreed) {
        CHECK(agreed.error() == socoro::errc::ws_bad_extensions);
        return std::nullopt;
    }
    return *agreed;
}

constexpr auto none = std::nullopt;
parameters const no_server_context{true, false, none, none};
parameters const no_client_context{false, true, none, none};
parameters const server_window{false, false, 12, none};
parameters const client_window{false, false, none, 12};

constexpr std::string_view everything =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=10; client_max_window_bits=9";

}  // namespace

TEST_CASE("ws/deflate_parameters: a server answers as the reference does") {
    // Observed, with `ws` 8.21.
    CHECK(answer_to("permessage-deflate") == "permessage-deflate");
    CHECK(answer_to("permessage-deflate; client_max_window_bits") == "permessage-deflate");
    CHECK(answer_to(everything) == everything);
    std::string_view const other_order =
        "permessage-deflate; client_max_window_bits=11; server_no_context_takeover";
    CHECK(answer_to(other_order) == other_order);
    std::string_view const least = "permessage-deflate; server_max_window_bits=8";
    CHECK(answer_to(least) == least);
    CHECK(
        answer_to("foo; x=1, permessage-deflate; server_max_window_bits=\"10\"") ==
        "permessage-deflate; server_max_window_bits=10");
    CHECK(answer_to("x-webkit-deflate-frame") == "-");
}

TEST_CASE("ws/deflate_parameters: what a server wishes for is behind what was offered") {
    CHECK(
        answer_to("permessage-deflate; client_max_window_bits", no_server_context) ==
        "permessage-deflate; server_no_context_takeover");
    CHECK(
        answer_to("permessage-deflate; server_max_window_bits=8", no_server_context) ==
        "permessage-deflate; server_max_window_bits=8; server_no_context_takeover");
    CHECK(
        answer_to("permessage-deflate", no_client_context) ==
        "permessage-deflate; client_no_context_takeover");
    CHECK(
        answer_to("permessage-deflate", server_window) ==
        "permessage-deflate; server_max_window_bits=12");
    CHECK(
        answer_to("permessage-deflate; client_max_window_bits", client_window) ==
        "permessage-deflate; client_max_window_bits=12");
}

TEST_CASE("ws/deflate_parameters: of two windows the smaller is agreed on") {
    CHECK(
        answer_to("permessage-deflate; server_max_window_bits=10", server_window) ==
        "permessage-deflate; server_max_window_bits=10");
    CHECK(
        answer_to("permessage-deflate; server_max_window_bits=14", server_window) ==
        "permessage-deflate; server_max_window_bits=12");
    CHECK(
        answer_to("permessage-deflate; client_max_window_bits=9", client_window) ==
        "permessage-deflate; client_max_window_bits=9");
}

TEST_CASE("ws/deflate_parameters: a client that cannot be told its window gets no compression") {
    CHECK(answer_to("permessage-deflate", client_window) == "-");
    CHECK(answer_to("permessage-deflate", {false, false, none, 15}) == "permessage-deflate");
    CHECK(
        answer_to(
            "permessage-deflate, permessage-deflate; client_max_window_bits",
            client_window) == "permessage-deflate; client_max_window_bits=12");
}

TEST_CASE("ws/deflate_parameters: the codecs follow what was answered") {
    CHECK(*agreed_by_server("permessage-deflate") == parameters{});
    CHECK(*agreed_by_server(everything) == parameters{true, true, 10, 9});
    CHECK(*agreed_by_server("permessage-deflate", no_client_context) == no_client_context);
    CHECK(*agreed_by_server("permessage-deflate; client_max_window_bits") == parameters{});
}

TEST_CASE("ws/deflate_parameters: an offer with a bad parameter is passed over, not the others") {
    for (std::string const bad :
         {"foo",
          "server_max_window_bits",
          "server_max_window_bits=7",
          "server_max_window_bits=16",
          "server_max_window_bits=010",
          "server_max_window_bits=8x",
          "server_max_window_bits=-8",
          "server_max_window_bits=10; server_max_window_bits=10",
          "client_max_window_bits=7",
          "client_max_window_bits=16",
          "client_max_window_bits=0",
          "client_max_window_bits; client_max_window_bits",
          "client_max_window_bits; client_max_window_bits=10",
          "client_no_context_takeover=1",
          "server_no_context_takeover=true",
          "client_no_context_takeover; client_no_context_takeover",
          "server_no_context_takeover; server_no_context_takeover",
          "Server_No_Context_Takeover"}) {
        auto const offer = "permessage-deflate; " + bad;
        CHECK_MESSAGE(answer_to(offer) == "-", offer);
        CHECK_MESSAGE(answer_to(offer + ", permessage-deflate") == "permessage-deflate", offer);
    }
}

TEST_CASE("ws/deflate_parameters: a client offers what the reference's does") {
    CHECK(ws::deflate_offer({}) == "permessage-deflate; client_max_window_bits");
    CHECK(ws::deflate_offer({true, true, 10, 9}) == everything);
    CHECK(
        ws::deflate_offer(no_server_context) ==
        "permessage-deflate; server_no_context_takeover; client_max_window_bits");
}

TEST_CASE("ws/deflate_parameters: a client goes by the answer") {
    CHECK(*agreed_by_client("permessage-deflate") == parameters{});
    CHECK(*agreed_by_client(everything) == parameters{true, true, 10, 9});
    CHECK(*agreed_by_client(everything, {true, true, 10, 9}) == parameters{true, true, 10, 9});
}

TEST_CASE("ws/deflate_parameters: a client does with less than it was allowed") {
    CHECK(*agreed_by_client("permessage-deflate", client_window) == client_window);
    CHECK(*agreed_by_client("permessage-deflate", no_client_context) == no_client_context);
    CHECK(
        *agreed_by_client("permessage-deflate; client_max_window_bits=10", client_window) ==
        parameters{false, false, none, 10});
}

TEST_CASE("ws/deflate_parameters: a client refuses what is more than it asked for") {
    CHECK(!agreed_by_client("permessage-deflate", no_server_context));
    CHECK(!agreed_by_client("permessage-deflate", server_window));
    CHECK(!agreed_by_client("permessage-deflate; server_max_window_bits=13", server_window));
    CHECK(agreed_by_client("permessage-deflate; server_max_window_bits=12", server_window));
    CHECK(!agreed_by_client("permessage-deflate; client_max_window_bits=13", client_window));
}

TEST_CASE("ws/deflate_parameters: a client refuses an answer that is none") {
    for (std::string_view bad :
         {"foo",
          "permessage-deflate, permessage-deflate",
          "permessage-deflate, foo",
          "permessage-deflate; foo",
          "permessage-deflate; client_max_window_bits",
          "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; client_max_window_bits=16",
          "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
          "permessage-deflate; server_no_context_takeover=1"})
        CHECK_MESSAGE(!agreed_by_client(bad), std::string(bad));
}
