// SPDX-License-Identifier: BSL-1.0
// The MessagePack parser on a line: packets to messages and back, to be compared with the
// reference's. Each line of the input is JSON, and so is each of the output:
//   {"decode":"<hex>"}  ->  {"type":2,"nsp":"/","id":1,"data":"<JSON text>","binary":["<hex>"]},
//                           or {"error":"<text>"}
//   {"type":2,"nsp":"/","id":1,"data":"<JSON text>","binary":["<hex>"]}  ->  {"encoded":"<hex>"}
#include <socoro/msgpack.hpp>

#include <iostream>
#include <string>
#include <string_view>

namespace json = boost::json;
namespace sio = socoro::sio;

namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::string to_hex(std::string_view bytes) {
    std::string out;
    for (char const c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += static_cast<char>(digits.find(hex[i]) << 4 | digits.find(hex[i + 1]));
    return out;
}

json::object decode(sio::parser const& parser, std::string_view hex) {
    auto const fed = parser.make_decoder({})->feed({true, from_hex(hex)});
    if (!fed)
        return {{"error", fed.error().message()}};
    auto const& packet = **fed;
    json::object out{{"type", static_cast<int>(packet.type)}, {"nsp", packet.nsp}};
    if (packet.id)
        out["id"] = *packet.id;
    if (packet.data) {
        std::string text;
        sio::append_json(text, *packet.data);
        out["data"] = text;
    }
    json::array binary;
    for (auto const& attachment : packet.attachments)
        binary.emplace_back(to_hex(attachment));
    out["binary"] = std::move(binary);
    return out;
}

json::object encode(sio::parser const& parser, json::object const& packet) {
    sio::header header;
    header.type = static_cast<sio::packet_type>(packet.at("type").as_int64());
    std::string const nsp(packet.at("nsp").as_string());
    header.nsp = nsp;
    if (auto const* const id = packet.if_contains("id"))
        header.id = id->to_number<std::uint64_t>();
    std::string text;
    if (auto const* const data = packet.if_contains("data"))
        text = data->as_string();
    std::vector<std::string> binary;
    for (auto const& hex : packet.at("binary").as_array())
        binary.push_back(from_hex(hex.as_string()));
    header.attachments = binary.size();
    auto const messages = parser.encode(header, text, std::move(binary));
    return {{"encoded", to_hex(messages.at(0).data)}};
}

}  // namespace

int main() {
    auto const parser = socoro::msgpack_parser();
    for (std::string line; std::getline(std::cin, line);) {
        auto const asked = json::parse(line);
        auto const* const hex = asked.as_object().if_contains("decode");
        auto const answer =
            hex ? decode(*parser, hex->as_string()) : encode(*parser, asked.as_object());
        std::string text;
        sio::append_json(text, answer);
        std::cout << text << '\n';
    }
}
