// SPDX-License-Identifier: BSL-1.0
// A message of MessagePack while it is written, front to back, although what is in a container is
// counted at its end only. Nothing here knows packets.
#pragma once

#include <socoro/codec/types.hpp>
#include <socoro/msgpack/library.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::detail {

/// A message under way. Its containers begin with the number of their items, which is known when
/// they end: until then there is a hole in front of each.
class msgpack_draft {
public:
    using hole = std::size_t;

    /// A text of this size is about to be written.
    explicit msgpack_draft(std::size_t size) : sink_{flat_}, packer_(sink_) {
        constexpr std::size_t envelope = 64, usual_containers = 8;
        flat_.reserve(size + envelope);
        holes_.reserve(usual_containers);
    }
    msgpack_draft(msgpack_draft const&) = delete;
    msgpack_draft& operator=(msgpack_draft const&) = delete;

    [[nodiscard]] msgpack_packer& packer() noexcept { return packer_; }

    void write_text(std::string_view text) {
        packer_.pack_str(static_cast<std::uint32_t>(text.size()));
        packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    }
    void write_number(double number);

    /// Begins a container.
    [[nodiscard]] hole begin() {
        holes_.push_back({flat_.size(), content::array, 0});
        return holes_.size() - 1;
    }
    void end_array(hole h, std::size_t items) { fill(h, content::array, items); }
    void end_map(hole h, std::size_t members) { fill(h, content::map, members); }
    /// The container that has just ended is an attachment instead, whatever is in it.
    void replace_by_attachment(hole h, std::size_t index) {
        flat_.resize(holes_[h].at);
        holes_.resize(h + 1);
        fill(h, content::attachment, index);
    }

    /// The whole message.
    [[nodiscard]] std::string finish(attachments const& binary) const;

private:
    enum class content { array, map, attachment };
    struct place {
        std::size_t at;
        content what;
        /// Of items, or which attachment.
        std::size_t number;
    };

    void fill(hole h, content what, std::size_t number) {
        holes_[h].what = what;
        holes_[h].number = number;
    }
    static void write_hole(msgpack_packer& to, place const& where, attachments const& binary);

    std::string flat_;
    std::vector<place> holes_;
    msgpack_sink sink_;
    msgpack_packer packer_;
};

/// Numbers as JavaScript has them: all are doubles, and whole ones are written as such.
inline void msgpack_draft::write_number(double number) {
    constexpr double two_to_63 = 9223372036854775808.0;
    if (std::floor(number) != number || number < -two_to_63 || number >= 2 * two_to_63)
        packer_.pack_double(number);
    else if (number < 0)
        packer_.pack_int64(static_cast<std::int64_t>(number));
    else
        packer_.pack_uint64(static_cast<std::uint64_t>(number));
}

inline void
msgpack_draft::write_hole(msgpack_packer& to, place const& where, attachments const& binary) {
    auto const number = static_cast<std::uint32_t>(where.number);
    switch (where.what) {
    case content::array: to.pack_array(number); break;
    case content::map: to.pack_map(number); break;
    case content::attachment: {
        auto const& data = binary[where.number];
        to.pack_bin(static_cast<std::uint32_t>(data.size()));
        to.pack_bin_body(data.data(), static_cast<std::uint32_t>(data.size()));
        break;
    }
    }
}

inline std::string msgpack_draft::finish(attachments const& binary) const {
    constexpr std::size_t longest_head = 5;
    auto size = flat_.size() + holes_.size() * longest_head;
    for (auto const& data : binary)
        size += data.size();
    std::string out;
    out.reserve(size);
    msgpack_sink sink{out};
    msgpack_packer packer(sink);
    std::size_t done = 0;
    for (auto const& next : holes_) {
        out.append(flat_, done, next.at - done);
        done = next.at;
        write_hole(packer, next, binary);
    }
    out.append(flat_, done);
    return out;
}

}  // namespace socoro::detail
