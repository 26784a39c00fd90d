// SPDX-License-Identifier: BSL-1.0
// The client's side of HTTP for tests: requests as text, and the answers taken apart.
#pragma once

#include "support/memory_stream.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace test {

[[nodiscard]] inline std::string get(std::string_view target, std::string_view extra_fields = {}) {
    std::string text = "GET ";
    text.append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(extra_fields);
    return text + "\r\n";
}

[[nodiscard]] inline std::string
post(std::string_view target, std::string_view body, std::string_view extra_fields = {}) {
    std::string text = "POST ";
    text.append(target).append(" HTTP/1.1\r\nHost: a\r\nContent-Length: ");
    text.append(std::to_string(body.size())).append("\r\n").append(extra_fields).append("\r\n");
    return text.append(body);
}

/// The fields of a request for a WebSocket.
inline constexpr std::string_view upgrade_fields =
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// One answer.
struct http_answer {
    int status = 0;
    std::string head;
    std::string body;

    [[nodiscard]] bool has(std::string_view field) const {
        return head.find("\r\n" + std::string(field) + "\r\n") != std::string::npos;
    }
};

/// Takes the first whole answer off `bytes`; status 0 if there is none.
[[nodiscard]] inline http_answer take_answer(std::string& bytes) {
    http_answer answer;
    auto const end = bytes.find("\r\n\r\n");
    if (end == std::string::npos)
        return answer;
    auto const head = bytes.substr(0, end + 4);
    auto const length_at = head.find("\r\nContent-Length: ");
    auto const length = length_at == std::string::npos
                            ? std::size_t{0}
                            : std::strtoul(head.c_str() + length_at + 18, nullptr, 10);
    if (bytes.size() < head.size() + length)
        return answer;
    answer.status = std::atoi(head.c_str() + 9);
    answer.head = head;
    answer.body = bytes.substr(head.size(), length);
    bytes.erase(0, head.size() + length);
    return answer;
}

/// Takes everything that has arrived as answers.
[[nodiscard]] inline std::vector<http_answer> take_answers(memory_peer const& from) {
    std::vector<http_answer> answers;
    auto bytes = from.take();
    while (!bytes.empty()) {
        answers.push_back(take_answer(bytes));
        if (answers.back().status == 0)
            break;
    }
    return answers;
}

/// The status codes of everything that has arrived.
[[nodiscard]] inline std::vector<int> statuses(memory_peer const& from) {
    std::vector<int> codes;
    for (auto const& answer : take_answers(from))
        codes.push_back(answer.status);
    return codes;
}

}  // namespace test
