// SPDX-License-Identifier: BSL-1.0
// Where Boost.Beast's parser puts what it reads: its callbacks fill a request or a response. It is
// Beast's grammar alone; what Beast lets pass is caught before and behind it, in message_parser.hpp.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/http/message.hpp>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace socoro::http::detail {

namespace beast = boost::beast;

/// Reads one `request` or one `response`.
template <typename Message>
class message_sink final
    : public beast::http::basic_parser<std::is_same_v<Message, http::request>> {
public:
    /// For a message of at most `max_fields` header fields. Sizes are limited by the caller.
    explicit message_sink(std::size_t max_fields);

    /// Gives Beast bytes; a stretch of framing has to be whole. Returns how many it took.
    [[nodiscard]] std::size_t put_whole(std::string_view bytes, std::error_code& error);

    /// Whether the next bytes are framing of a chunked body, not data.
    [[nodiscard]] bool awaits_framing() const { return this->chunked() && chunk_left_ == 0; }

    /// What was read so far.
    [[nodiscard]] Message& message() noexcept { return message_; }
    [[nodiscard]] Message const& message() const noexcept { return message_; }

    /// Of HTTP: 10 or 11.
    [[nodiscard]] unsigned version() const noexcept { return version_; }

private:
    using string_view = beast::string_view;
    using error_code = beast::error_code;

    void on_request_impl(
        beast::http::verb,
        string_view method,
        string_view target,
        int version,
        error_code&) override;
    void on_response_impl(int status, string_view, int version, error_code&) override;
    void on_field_impl(beast::http::field, string_view name, string_view value, error_code& error)
        override;
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
    std::size_t on_body_impl(string_view bytes, error_code&) override;
    void on_chunk_header_impl(std::uint64_t size, string_view, error_code&) override;
    std::size_t on_chunk_body_impl(std::uint64_t left, string_view bytes, error_code&) override;
    void on_finish_impl(error_code&) override {}

    Message message_;
    unsigned version_ = 11;
    std::size_t max_fields_;
    std::uint64_t chunk_left_ = 0;
};

/// Our error for one of Beast's.
[[nodiscard]] inline std::error_code translated(std::error_code error) {
    namespace bad = beast::http;
    if (!error || error.category() == errc_category())
        return error;
    if (error == std::error_code(bad::make_error_code(bad::error::body_limit)))
        return errc::http_body_too_large;
    if (error == std::error_code(bad::make_error_code(bad::error::header_limit)))
        return errc::http_head_too_large;
    return errc::http_malformed;
}

template <typename Message>
inline message_sink<Message>::message_sink(std::size_t max_fields) : max_fields_(max_fields) {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
}

template <typename Message>
inline std::size_t message_sink<Message>::put_whole(
    std::string_view bytes,
    std::error_code& error) {
    error_code code;
    auto const taken = this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
    error = translated(code);
    return taken;
}

template <typename Message>
inline void message_sink<Message>::on_request_impl(
    beast::http::verb,
    string_view method,
    string_view target,
    int version,
    error_code&) {
    if constexpr (std::is_same_v<Message, http::request>) {
        message_.method.assign(method.data(), method.size());
        message_.target.assign(target.data(), target.size());
        message_.version = static_cast<unsigned>(version);
    }
    version_ = static_cast<unsigned>(version);
}

template <typename Message>
inline void
message_sink<Message>::on_response_impl(int status, string_view, int version, error_code&) {
    if constexpr (std::is_same_v<Message, http::response>)
        message_.status = static_cast<unsigned>(status);
    version_ = static_cast<unsigned>(version);
}

template <typename Message>
inline void message_sink<Message>::on_field_impl(
    beast::http::field,
    string_view name,
    string_view value,
    error_code& error) {
    if (this->is_header_done())
        return;  // a trailer field must not pass for a header field (RFC 9110 section 6.5.1)
    if (message_.headers.size() == max_fields_)
        error = std::error_code(errc::http_too_many_fields);
    else
        message_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
}

template <typename Message>
inline std::size_t message_sink<Message>::on_body_impl(string_view bytes, error_code&) {
    message_.body.append(bytes.data(), bytes.size());
    return bytes.size();
}

template <typename Message>
inline void
message_sink<Message>::on_chunk_header_impl(std::uint64_t size, string_view, error_code&) {
    chunk_left_ = size;
}

template <typename Message>
inline std::size_t message_sink<Message>::on_chunk_body_impl(
    std::uint64_t left,
    string_view bytes,
    error_code& error) {
    chunk_left_ = left - bytes.size();
    return on_body_impl(bytes, error);
}

}  // namespace socoro::http::detail
