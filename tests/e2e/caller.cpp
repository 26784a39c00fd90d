// SPDX-License-Identifier: BSL-1.0
// A client under command, for the end-to-end tests against Node's server: it reads commands from
// its standard input and prints what happens, one JSON object a line.
//   caller URL [OPTIONS]
#include <socoro/base/base64.hpp>
#include <socoro/client.hpp>

#include "caller_options.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/streambuf.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace caller {

using ask = socoro::event<"ask", json::value(json::value)>;
using weigh = socoro::event<"weigh", std::tuple<std::size_t, socoro::bytes>(socoro::bytes)>;
using padded = socoro::event<"item", std::size_t, std::string>;

void print(json::object const& line) {
    std::cout << json::serialize(line) << std::endl;
}

[[nodiscard]] json::object describe(std::error_code ec) {
    return {{"message", ec.message()}, {"category", ec.category().name()}, {"value", ec.value()}};
}

[[nodiscard]] json::object describe(std::exception_ptr const& failure) {
    json::object told;
    try {
        std::rethrow_exception(failure);
    } catch (socoro::refused const& e) {
        told = describe(e.code());
        told["refusal"] = e.what();
        told["data"] = e.data().value_or(nullptr);
    } catch (std::system_error const& e) {
        told = describe(e.code());
        told["what"] = e.what();
    } catch (std::exception const& e) {
        told["what"] = e.what();
    }
    return told;
}

[[nodiscard]] std::string text_of(json::object const& command, std::string_view name) {
    auto const* const value = command.if_contains(name);
    return value ? std::string(value->as_string()) : std::string();
}

[[nodiscard]] std::optional<std::chrono::milliseconds> within(json::object const& command) {
    auto const* const value = command.if_contains("within");
    if (!value)
        return std::nullopt;
    return std::chrono::milliseconds(value->to_number<std::int64_t>());
}

[[nodiscard]] std::optional<socoro::credentials> auth_of(json::object const& command) {
    auto const* const value = command.if_contains("auth");
    return value ? std::optional(to_credentials(*value)) : std::nullopt;
}

/// The event that a command describes, binary data in Base64 beside it.
[[nodiscard]] socoro::any_event event_of(json::object const& command) {
    socoro::any_event event;
    event.name = text_of(command, "name");
    if (auto const* const args = command.if_contains("args"))
        event.args = args->as_array();
    if (auto const* const binary = command.if_contains("attachments"))
        for (auto const& data : binary->as_array())
            event.attachments.push_back(socoro::base64::decode(data.as_string()));
    return event;
}

/// Tells about one socket until it ends. Whoever asks gets the question back, unless the event is
/// called "silence".
asio::awaitable<void> tell(socoro::client_socket socket) {
    auto const line = [&socket](std::string_view what) {
        return json::object{{"on", what}, {"nsp", socket.nsp()}};
    };
    auto const connected = [&](socoro::on_connect const& e) {
        auto told = line("connect");
        told["id"] = socket.id();
        told["recovered"] = e.recovered;
        told["transport"] = socket.transport();
        print(told);
    };
    auto const disconnected = [&](socoro::on_disconnect const& e) {
        auto told = line("disconnect");
        told["reason"] = e.reason.message();
        told["closed"] = e.reason == socoro::closed;
        told["active"] = socket.active();
        print(told);
    };
    auto const failed = [&](socoro::connect_error const& e) {
        auto told = line("connect_error");
        told["message"] = e.message;
        told["data"] = e.data;
        told["code"] = describe(e.code);
        told["why"] = describe(e.why);
        told["active"] = socket.active();
        print(told);
    };
    auto const attempted = [&](socoro::reconnect_attempt const& e) {
        auto told = line("reconnect_attempt");
        told["attempt"] = e.attempt;
        print(told);
    };
    auto const received = [&](socoro::any_event const& e) {
        auto told = line("event");
        told["name"] = e.name;
        told["args"] = e.args;
        json::array binary;
        for (auto const& data : e.attachments)
            binary.emplace_back(socoro::base64::encode(data));
        told["attachments"] = std::move(binary);
        print(told);
        if (e.name != "silence")
            e.reply_with(e.args, e.attachments);
    };
    auto handlers = socoro::overloaded{connected, disconnected, failed, attempted, received};
    auto const reason = co_await socket.serve(std::move(handlers));
    auto told = line("end");
    told["reason"] = reason.message();
    print(told);
}

/// The client, its sockets, and what can be asked of them.
class program {
public:
    program(asio::io_context& context, std::string_view url, socoro::client_options options)
        : context_(context)
        , client_(context, url, std::move(options)) {}

    /// Reads commands until the client is closed, or nobody commands any more.
    [[nodiscard]] asio::awaitable<void> obey() {
        asio::posix::stream_descriptor input(context_, ::dup(STDIN_FILENO));
        asio::streambuf read;
        while (!closing_) {
            std::error_code ec;
            auto token = asio::redirect_error(asio::use_awaitable, ec);
            co_await asio::async_read_until(input, read, '\n', token);
            if (ec)
                break;
            std::istream lines(&read);
            std::string line;
            std::getline(lines, line);
            obey(json::parse(line).as_object());
        }
        if (!closing_)
            close({});
    }

private:
    void obey(json::object const& command);
    void close(json::object const& command) {
        closing_ = true;
        start(close_client(within(command).value_or(std::chrono::seconds(5))));
    }

    [[nodiscard]] asio::awaitable<void> close_client(std::chrono::milliseconds patience) {
        co_await client_.close(patience);
        print({{"on", "closed"}});
    }

    /// Opens without waiting: the socket tells what happens.
    void open(json::object const& command) {
        watch(client_.socket(text_of(command, "nsp"), auth_of(command)));
    }

    /// Opens and waits: the command tells how that went, and then the socket what happens.
    [[nodiscard]] asio::awaitable<void> connect(json::object command) {
        auto const nsp = text_of(command, "nsp");
        auto const shown = auth_of(command);
        auto const limit = within(command);
        json::object told{{"on", "connected"}, {"nsp", nsp}};
        try {
            auto waiting =
                limit ? client_.connect(*limit, nsp, shown) : client_.connect(nsp, shown);
            auto const socket = co_await std::move(waiting);
            told["id"] = socket.id();
            watch(socket);
        } catch (...) {
            told = describe(std::current_exception());
            told["on"] = "not connected";
        }
        print(told);
    }

    void watch(socoro::client_socket const& socket) {
        sockets_.insert_or_assign(socket.nsp(), socket);
        start(tell(socket));
    }

    [[nodiscard]] socoro::client_socket& socket(json::object const& command) {
        auto const name = text_of(command, "nsp");
        return sockets_.at(name.empty() ? "/" : name);
    }

    void emit(json::object const& command) {
        auto const& to = socket(command);
        (command.contains("volatile") ? to.volatile_() : to).emit(event_of(command));
    }

    /// Many events at once: a number, from 0, and padding of a size.
    void flood(json::object const& command) {
        auto const count = command.at("count").to_number<std::size_t>();
        std::string const padding(command.at("size").to_number<std::size_t>(), 'x');
        for (std::size_t i = 0; i < count; ++i)
            socket(command).emit<padded>(i, padding);
    }

    [[nodiscard]] asio::awaitable<void> call(json::object command) {
        auto to = socket(command);
        if (auto const limit = within(command))
            to = to.timeout(*limit);
        json::object told{{"on", "reply"}, {"tag", command["tag"]}};
        try {
            if (command["name"] == "weigh")
                told["reply"] = co_await weighed(to, event_of(command).attachments.at(0));
            else
                told["reply"] = co_await to.call<ask>(command["args"].as_array().at(0));
        } catch (...) {
            told["failed"] = describe(std::current_exception());
        }
        print(told);
    }

    [[nodiscard]] static asio::awaitable<json::value> weighed(
        socoro::client_socket to,
        std::string data) {
        socoro::bytes const content(std::move(data));
        auto const reply = co_await to.call<weigh>(content);
        auto const& [weight, back] = reply;
        json::array both;
        both.emplace_back(weight);
        both.emplace_back(socoro::base64::encode(back.data));
        co_return both;
    }

    void status(json::object const& command) {
        auto const& of = socket(command);
        print(
            {{"on", "status"},
             {"id", of.id()},
             {"connected", of.connected()},
             {"active", of.active()},
             {"recovered", of.recovered()},
             {"reason", of.reason() ? of.reason().message() : ""},
             {"transport", of.transport()}});
    }

    [[nodiscard]] asio::awaitable<void> drain(json::object command) {
        co_await socket(command).drain();
        print({{"on", "drained"}});
    }

    void start(asio::awaitable<void> task) {
        asio::co_spawn(context_, std::move(task), [](std::exception_ptr const& failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
    }

    asio::io_context& context_;
    socoro::client client_;
    std::map<std::string, socoro::client_socket, std::less<>> sockets_;
    bool closing_ = false;
};

void program::obey(json::object const& command) {
    using action = std::function<void(program&, json::object const&)>;
    static std::map<std::string, action, std::less<>> const actions{
        {"open", &program::open},
        {"connect", [](program& p, auto const& c) { p.start(p.connect(c)); }},
        {"emit", &program::emit},
        {"flood", &program::flood},
        {"call", [](program& p, auto const& c) { p.start(p.call(c)); }},
        {"status", &program::status},
        {"drain", [](program& p, auto const& c) { p.start(p.drain(c)); }},
        {"disconnect", [](program& p, auto const& c) { p.socket(c).disconnect(); }},
        {"close", &program::close},
    };
    actions.at(text_of(command, "do"))(*this, command);
}

}  // namespace caller

int main(int argc, char** argv) {
    try {
        if (argc < 2)
            throw std::invalid_argument("caller URL [OPTIONS]");
        auto const options =
            argc > 2 ? boost::json::parse(argv[2]).as_object() : boost::json::object();
        asio::io_context context;
        caller::program program(context, argv[1], caller::to_options(options));
        asio::co_spawn(context, program.obey(), [](std::exception_ptr const& failure) {
            if (failure)
                std::rethrow_exception(failure);
        });
        context.run();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
