// SPDX-License-Identifier: BSL-1.0
// A parser as a program would write its own: a packet is as many messages as in JSON, each of them
// binary and marked, so that nobody without the parser understands it.
#pragma once

#include <socoro/sio/parser.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

class marked_parser final : public socoro::sio::parser {
public:
    [[nodiscard]] std::vector<socoro::message> encode(
        socoro::sio::header const& h,
        std::string_view json,
        std::vector<std::string>&& attachments) const override {
        std::vector<socoro::message> out{{true, "#" + socoro::sio::encode(h, json)}};
        for (auto& data : attachments)
            out.push_back({true, "+" + data});
        return out;
    }

    [[nodiscard]] std::unique_ptr<socoro::sio::packet_decoder> make_decoder(
        socoro::limits const& bounds) const override {
        return std::make_unique<decoder>(bounds);
    }

private:
    class decoder final : public socoro::sio::packet_decoder {
    public:
        explicit decoder(socoro::limits const& bounds) : packet_decoder(bounds), inner_(bounds) {}
        [[nodiscard]] bool incomplete() const noexcept override { return inner_.incomplete(); }

    private:
        [[nodiscard]] socoro::result<std::optional<socoro::sio::packet>> read(
            socoro::message&& m) override {
            bool const marked = m.binary && (m.data.starts_with('#') || m.data.starts_with('+'));
            if (!marked)
                return socoro::errc::sio_malformed;
            return inner_.feed({m.data.front() == '+', m.data.substr(1)});
        }

        socoro::sio::decoder inner_;
    };
};

}  // namespace test
