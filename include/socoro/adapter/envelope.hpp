// SPDX-License-Identifier: BSL-1.0
// Messages between nodes as the reference's cluster adapters write them: `{uid, nsp, type, data}`,
// types 3 to 12 of socket.io-adapter's `MessageType`. Adapters put it into JSON or msgpack; what they
// tell each other beyond it, heartbeats for example, is their own affair.
#pragma once

#include <socoro/adapter/message.hpp>
#include <socoro/sio/attachments.hpp>
#include <socoro/sio/json_reader.hpp>
#include <socoro/sio/json_writer.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace socoro::adapter {

/// An envelope on its way: where binary data is meant, there is a placeholder with the place of its
/// bytes in `binary`.
struct wire_envelope {
    json::object content;
    std::vector<std::string> binary;
};

/// As the reference writes it. Of an answer with several values only the first goes, as there.
[[nodiscard]] wire_envelope to_wire(envelope const& said);

/// Reads what another node has written; nothing if it is no such message. Members that are not known
/// are passed over.
[[nodiscard]] std::optional<envelope> from_wire(wire_envelope&& from);

namespace wire {

/// The types of messages, in the order of `message`.
enum class wire_type : std::uint8_t {
    broadcast = 3,
    sockets_join = 4,
    sockets_leave = 5,
    disconnect_sockets = 6,
    fetch_sockets = 7,
    fetch_sockets_response = 8,
    server_side_emit = 9,
    server_side_emit_response = 10,
    broadcast_client_count = 11,
    broadcast_ack = 12,
};

[[nodiscard]] inline json::array to_json(std::vector<std::string> const& list) {
    json::array out;
    for (auto const& each : list)
        out.push_back(json::string(each));
    return out;
}

[[nodiscard]] inline json::object to_json(selection const& whom) {
    json::object flags;
    if (whom.is_volatile)
        flags.emplace("volatile", true);
    if (!whom.compress)
        flags.emplace("compress", false);
    if (whom.timeout)
        flags.emplace(
            "timeout",
            std::chrono::ceil<std::chrono::milliseconds>(*whom.timeout).count());
    json::object opts;
    opts.emplace("rooms", to_json(whom.target.rooms));
    opts.emplace("except", to_json(whom.target.except));
    opts.emplace("flags", std::move(flags));
    return opts;
}

[[nodiscard]] inline json::object to_json(socket_details const& known) {
    json::object out;
    out.emplace("id", known.id);
    out.emplace("handshake", known.handshake);
    out.emplace("rooms", to_json(known.rooms));
    out.emplace("data", known.data);
    return out;
}

/// Writes the data of each message.
class wire_writer {
public:
    explicit wire_writer(wire_envelope& into) : out_(&into) {}

    void operator()(broadcast const& said) {
        json::object packet;
        packet.emplace("type", 2);
        packet.emplace("data", take(said.event));
        data_.emplace("opts", to_json(said.whom));
        data_.emplace("packet", std::move(packet));
        if (said.request)
            data_.emplace("requestId", *said.request);
        write(wire_type::broadcast);
    }
    void operator()(sockets_join const& said) {
        write(wire_type::sockets_join, said.whom, "rooms", to_json(said.rooms));
    }
    void operator()(sockets_leave const& said) {
        write(wire_type::sockets_leave, said.whom, "rooms", to_json(said.rooms));
    }
    void operator()(disconnect_sockets const& said) {
        write(wire_type::disconnect_sockets, said.whom, "close", said.close);
    }
    void operator()(fetch_sockets const& said) {
        write(wire_type::fetch_sockets, said.whom, "requestId", json::string(said.request));
    }
    void operator()(fetch_sockets_response const& said) {
        json::array sockets;
        for (auto const& each : said.sockets)
            sockets.push_back(to_json(each));
        data_.emplace("requestId", said.request);
        data_.emplace("sockets", std::move(sockets));
        write(wire_type::fetch_sockets_response);
    }
    void operator()(server_side_emit const& said) {
        if (said.request)
            data_.emplace("requestId", *said.request);
        data_.emplace("packet", take(said.event));
        write(wire_type::server_side_emit);
    }
    void operator()(server_side_emit_response const& said) {
        write(wire_type::server_side_emit_response, said.request, said.values);
    }
    void operator()(broadcast_client_count const& said) {
        data_.emplace("requestId", said.request);
        data_.emplace("clientCount", said.count);
        write(wire_type::broadcast_client_count);
    }
    void operator()(broadcast_ack const& said) {
        write(wire_type::broadcast_ack, said.request, said.values);
    }

private:
    [[nodiscard]] json::value take(event_text const& event) {
        out_->binary = event.binary;
        return sio::parse_own_json(event.json);
    }
    void write(wire_type type) {
        out_->content.emplace("type", static_cast<int>(type));
        out_->content.emplace("data", std::move(data_));
    }
    void write(wire_type type, selection const& whom, std::string_view name, json::value value) {
        data_.emplace("opts", to_json(whom));
        data_.emplace(name, std::move(value));
        write(type);
    }
    /// Without a value there is none: in JavaScript it is undefined.
    void write(wire_type type, std::string const& request, answer_values const& values) {
        data_.emplace("requestId", request);
        if (!values.list.empty()) {
            out_->binary = values.binary;
            data_.emplace("packet", values.list.front());
        }
        write(type);
    }

    wire_envelope* out_;
    json::object data_;
};

/// Reads the data of a message; throws what Boost.JSON throws where something is missing.
class wire_reader {
public:
    wire_reader(json::object const& data, std::vector<std::string>&& binary)
        : data_(&data)
        , binary_(std::move(binary)) {}

    [[nodiscard]] message read(std::int64_t type);

private:
    [[nodiscard]] json::value const& at(std::string_view name) const { return data_->at(name); }
    [[nodiscard]] static std::string text(json::value const& value) {
        return std::string(value.as_string());
    }
    [[nodiscard]] static std::vector<std::string> texts(json::value const& list) {
        std::vector<std::string> out;
        for (auto const& each : list.as_array())
            out.push_back(text(each));
        return out;
    }
    [[nodiscard]] std::string request() const { return text(at("requestId")); }
    [[nodiscard]] std::optional<std::string> optional_request() const {
        return data_->if_contains("requestId") ? std::optional(request()) : std::nullopt;
    }
    [[nodiscard]] static bool
    is_true(json::object const& in, std::string_view name, bool otherwise) {
        auto const* const value = in.if_contains(name);
        return value && value->is_bool() ? value->get_bool() : otherwise;
    }
    [[nodiscard]] selection whom() const;
    [[nodiscard]] event_text event(json::value const& list);
    [[nodiscard]] answer_values values();
    [[nodiscard]] std::vector<socket_details> sockets() const;

    json::object const* data_;
    std::vector<std::string> binary_;
};

inline selection wire_reader::whom() const {
    auto const& opts = at("opts").as_object();
    selection out;
    out.target = {texts(opts.at("rooms")), texts(opts.at("except"))};
    auto const* const given = opts.if_contains("flags");
    auto const* const flags = given ? given->if_object() : nullptr;
    if (!flags)
        return out;
    out.is_volatile = is_true(*flags, "volatile", false);
    out.compress = is_true(*flags, "compress", true);
    auto const* const timeout = flags->if_contains("timeout");
    // A day is as good as for ever, and no overflow.
    if (timeout && timeout->is_number()) {
        auto const within = timeout->to_number<double>();
        if (within > 0 && within <= 86'400'000)
            out.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(within));
    }
    return out;
}

inline event_text wire_reader::event(json::value const& list) {
    event_text out;
    out.name = text(list.as_array().at(0));
    out.binary = std::move(binary_);
    auto const fits = sio::placeholders_fit(list, out.binary.size());
    sio::append_json(out.json, fits ? list : sio::without_placeholders(list));
    return out;
}

inline answer_values wire_reader::values() {
    answer_values out;
    if (auto const* const given = data_->if_contains("packet"))
        out.list.push_back(*given);
    out.binary = std::move(binary_);
    return out;
}

inline std::vector<socket_details> wire_reader::sockets() const {
    std::vector<socket_details> out;
    for (auto const& each : at("sockets").as_array()) {
        auto const& known = each.as_object();
        auto const* const data = known.if_contains("data");
        out.push_back(
            {text(known.at("id")),
             known.at("handshake"),
             texts(known.at("rooms")),
             data ? *data : json::value()});
    }
    return out;
}

inline message wire_reader::read(std::int64_t type) {
    switch (static_cast<wire_type>(type)) {
    case wire_type::broadcast:
        return broadcast{whom(), event(at("packet").at("data")), optional_request()};
    case wire_type::sockets_join: return sockets_join{whom(), texts(at("rooms"))};
    case wire_type::sockets_leave: return sockets_leave{whom(), texts(at("rooms"))};
    case wire_type::disconnect_sockets:
        return disconnect_sockets{whom(), is_true(*data_, "close", false)};
    case wire_type::fetch_sockets: return fetch_sockets{whom(), request()};
    case wire_type::fetch_sockets_response: return fetch_sockets_response{request(), sockets()};
    case wire_type::server_side_emit:
        return server_side_emit{event(at("packet")), optional_request()};
    case wire_type::server_side_emit_response:
        return server_side_emit_response{request(), values()};
    case wire_type::broadcast_client_count:
        return broadcast_client_count{request(), at("clientCount").to_number<std::size_t>()};
    case wire_type::broadcast_ack: return broadcast_ack{request(), values()};
    }
    throw std::invalid_argument("no such message");
}

}  // namespace wire

inline wire_envelope to_wire(envelope const& said) {
    wire_envelope out;
    out.content.emplace("uid", said.from);
    out.content.emplace("nsp", said.nsp);
    std::visit(wire::wire_writer(out), said.content);
    return out;
}

inline std::optional<envelope> from_wire(wire_envelope&& from) {
    auto const whole = std::move(from);
    try {
        auto const& content = whole.content;
        auto const type = content.at("type").to_number<std::int64_t>();
        if (type < 3 || type > 12)
            return std::nullopt;
        auto binary = whole.binary;
        wire::wire_reader reader(content.at("data").as_object(), std::move(binary));
        return envelope{
            std::string(content.at("uid").as_string()),
            std::string(content.at("nsp").as_string()),
            reader.read(type)};
    } catch (std::exception const&) {
        return std::nullopt;
    }
}

}  // namespace socoro::adapter
