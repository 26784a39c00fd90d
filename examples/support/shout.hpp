// SPDX-License-Identifier: BSL-1.0
// What the examples attach_asio and attach_beast serve: a page of the host, whose script asks the
// host for `/visits` and the sockets to shout, all from one origin.
#pragma once

#include <socoro.hpp>

#include <string>
#include <string_view>

namespace shout {

/// A word comes back in capitals.
using shout = socoro::event<"shout", std::string(std::string)>;

inline asio::awaitable<void> answer(socoro::socket socket) {
    for (;;) {
        auto const heard = co_await socket.recv<shout>();
        auto word = heard.args;
        for (char& c : word)
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        heard.reply(word);
    }
}

/// `?polling` keeps the script from WebSocket.
inline constexpr std::string_view page = R"(<!doctype html>
<meta charset="utf-8">
<title>shout</title>
<form><input name="word" value="hello"><button>shout</button></form>
<p>heard: <output name="heard"></output></p>
<p>visits: <output name="visits"></output></p>
<script src="/socket.io/socket.io.js"></script>
<script>
    const polling = location.search === '?polling';
    const socket = io(polling ? { transports: ['polling'] } : {});
    const show = (name, text) => { document.querySelector(`[name=${name}]`).value = text; };
    document.querySelector('form').addEventListener('submit', async event => {
        event.preventDefault();
        show('heard', await socket.emitWithAck('shout', event.target.word.value));
        show('visits', await (await fetch('/visits')).text());
    });
</script>
)";

}  // namespace shout
