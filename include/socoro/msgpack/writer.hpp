// SPDX-License-Identifier: BSL-1.0
// From a packet's JSON text to MessagePack, byte for byte as notepack.io 2.2 writes it, which is what
// the reference's parser uses: the shortest form of whole numbers and lengths, float 64 for other
// numbers, binary data as bin.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/codec/types.hpp>
#include <socoro/msgpack/draft.hpp>
#include <socoro/sio/encoder.hpp>

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::detail {

/// The message of one packet. Throws `std::system_error` with `errc::sio_too_deep`, and
/// `std::length_error` for what has no length in MessagePack, 4 GiB.
[[nodiscard]] std::string
encode_msgpack(sio::header const& h, std::string_view json, attachments const& binary);

/// What Boost.JSON's parser tells about a text, written into a draft.
class msgpack_scribe {
public:
    static constexpr auto max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr auto max_array_size = max_object_size;
    static constexpr auto max_key_size = max_object_size;
    static constexpr auto max_string_size = max_object_size;
    using error = boost::system::error_code;
    using text = json::string_view;

    msgpack_scribe(msgpack_draft& into, std::size_t attached) : draft_(into), attached_(attached) {}

    bool on_document_begin(error&) { return true; }
    bool on_document_end(error&) { return true; }
    bool on_array_begin(error&) { return begin(); }
    bool on_array_end(std::size_t items, error&);
    bool on_object_begin(error&) { return begin(); }
    bool on_object_end(std::size_t members, error&);
    bool on_key_part(text piece, std::size_t, error&) { return keep(piece); }
    bool on_key(text last, std::size_t, error&);
    bool on_string_part(text piece, std::size_t, error&) { return keep(piece); }
    bool on_string(text last, std::size_t, error&);
    bool on_number_part(text piece, error&) { return keep(piece); }
    bool on_int64(std::int64_t number, text, error&);
    bool on_uint64(std::uint64_t number, text, error&);
    bool on_double(double roughly, text last, error&);
    bool on_bool(bool value, error&);
    bool on_null(error&);
    bool on_comment_part(text, error&) { return true; }
    bool on_comment(text, error&) { return true; }

private:
    /// A container that is open, and what makes an object a placeholder.
    struct level {
        msgpack_draft::hole hole;
        bool is_marked = false;
        std::optional<std::uint64_t> number = std::nullopt;
    };
    enum class member { other, mark, number };

    bool begin() {
        member_ = member::other;
        open_.push_back({draft_.begin()});
        return true;
    }
    bool keep(text piece) {
        pieces_.append(piece.data(), piece.size());
        return true;
    }
    /// The pieces so far and the last one, as one text.
    [[nodiscard]] std::string_view whole(text last);
    void note_number(std::uint64_t number) {
        if (std::exchange(member_, member::other) == member::number)
            open_.back().number = number;
    }

    msgpack_draft& draft_;
    std::size_t attached_;
    std::vector<level> open_;
    /// What the next value is a member of.
    member member_ = member::other;
    std::string pieces_;
    std::string joined_;
};

inline std::string_view msgpack_scribe::whole(text last) {
    if (pieces_.empty())
        return {last.data(), last.size()};
    keep(last);
    joined_ = std::exchange(pieces_, {});
    return joined_;
}

inline bool msgpack_scribe::on_array_end(std::size_t items, error&) {
    draft_.end_array(open_.back().hole, items);
    open_.pop_back();
    return true;
}

inline bool msgpack_scribe::on_object_end(std::size_t members, error&) {
    auto const done = open_.back();
    open_.pop_back();
    if (done.is_marked && done.number && *done.number < attached_)
        draft_.replace_by_attachment(done.hole, static_cast<std::size_t>(*done.number));
    else
        draft_.end_map(done.hole, members);
    return true;
}

inline bool msgpack_scribe::on_key(text last, std::size_t, error&) {
    auto const name = whole(last);
    member_ = name == "_placeholder" ? member::mark
              : name == "num"        ? member::number
                                     : member::other;
    draft_.write_text(name);
    return true;
}

inline bool msgpack_scribe::on_string(text last, std::size_t, error&) {
    member_ = member::other;
    draft_.write_text(whole(last));
    return true;
}

inline bool msgpack_scribe::on_int64(std::int64_t number, text, error&) {
    pieces_.clear();
    if (number >= 0)
        note_number(static_cast<std::uint64_t>(number));
    member_ = member::other;
    draft_.packer().pack_int64(number);
    return true;
}

inline bool msgpack_scribe::on_uint64(std::uint64_t number, text, error&) {
    pieces_.clear();
    note_number(number);
    draft_.packer().pack_uint64(number);
    return true;
}

/// Read from its text, since Boost.JSON before 1.83 misses the last place of many.
inline bool msgpack_scribe::on_double(double roughly, text last, error&) {
    member_ = member::other;
    auto const digits = whole(last);
    double number = roughly;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    draft_.write_number(number);
    return true;
}

inline bool msgpack_scribe::on_bool(bool value, error&) {
    if (std::exchange(member_, member::other) == member::mark)
        open_.back().is_marked = value;
    value ? draft_.packer().pack_true() : draft_.packer().pack_false();
    return true;
}

inline bool msgpack_scribe::on_null(error&) {
    member_ = member::other;
    draft_.packer().pack_nil();
    return true;
}

/// Writes JSON text of ours.
inline void write_msgpack(msgpack_draft& into, std::string_view json, std::size_t attached) {
    boost::json::parse_options options;
    options.max_depth = deepest_msgpack;
    // Text of the program's that is no UTF-8 is passed on, as in JSON.
    options.allow_invalid_utf8 = true;
    boost::json::basic_parser<msgpack_scribe> parser(options, into, attached);
    boost::system::error_code error;
    auto const read = parser.write_some(false, json.data(), json.size(), error);
    if (error == boost::json::error::too_deep)
        throw std::system_error(errc::sio_too_deep);
    if (error || read != json.size())
        throw std::invalid_argument("socoro: the data of a packet is no JSON text");
}

/// Throws for what MessagePack has no length for.
inline void check_msgpack_sizes(std::string_view json, attachments const& binary) {
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    bool fits = json.size() <= most;
    for (auto const& data : binary)
        fits = fits && data.size() <= most;
    if (!fits)
        throw std::length_error("socoro: a packet has more than 4 GiB");
}

inline std::string
encode_msgpack(sio::header const& h, std::string_view json, attachments const& binary) {
    check_msgpack_sizes(json, binary);
    msgpack_draft draft(json.size());
    auto& packer = draft.packer();
    auto const write_id = [&] {
        draft.write_text("id");
        packer.pack_uint64(*h.id);
    };
    // In the order of the reference's server.
    bool const id_first = h.type == sio::packet_type::ack;
    packer.pack_map(2 + (json.empty() ? 0 : 1) + (h.id ? 1 : 0));
    if (h.id && id_first)
        write_id();
    draft.write_text("type");
    packer.pack_uint8(static_cast<std::uint8_t>(h.type));
    if (!json.empty()) {
        draft.write_text("data");
        write_msgpack(draft, json, binary.size());
    }
    if (h.id && !id_first)
        write_id();
    draft.write_text("nsp");
    draft.write_text(h.nsp);
    return draft.finish(binary);
}

}  // namespace socoro::detail
