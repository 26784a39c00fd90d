// SPDX-License-Identifier: BSL-1.0
// socoro: these arguments do not fit the event
#include <socoro/namespace.hpp>

struct message {
    static constexpr auto event_name = "message";
    std::string author, text;
};
BOOST_DESCRIBE_STRUCT(message, (), (author, text))

void talk(socoro::nsp const& nsp) {
    nsp.emit<message>("me", "hi", "too much");
}
