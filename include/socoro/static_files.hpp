// SPDX-License-Identifier: BSL-1.0
// Serves a folder of files, for pages beside their sockets. Files are read anew for each request:
// it is made for small pages, not for downloads.
#pragma once

#include <socoro/base/file.hpp>
#include <socoro/http/percent.hpp>
#include <socoro/net/http_server.hpp>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro {

/// A handler for `http_server` that answers GET and HEAD with the files of a folder and those
/// below it; `/` is `index.html`. What is not there, or would lie outside, gets status 404.
class static_files {
public:
    explicit static_files(std::filesystem::path directory)
        : directory_(std::filesystem::weakly_canonical(directory)) {}

    [[nodiscard]] asio::awaitable<http::response> operator()(http::request request) const {
        co_return find(request);
    }

    /// The answer to one request.
    [[nodiscard]] http::response find(http::request const& request) const;

private:
    [[nodiscard]] std::optional<std::filesystem::path> locate(std::string_view target) const;

    std::filesystem::path directory_;
};

namespace detail {

[[nodiscard]] inline std::string content_type_of(std::filesystem::path const& file) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> types{{
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
    }};
    auto const extension = file.extension().string();
    for (auto const& [known, type] : types)
        if (known == extension)
            return std::string(type);
    return "application/octet-stream";
}

}  // namespace detail

inline http::response static_files::find(http::request const& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        auto answer = http::text(405, "Method Not Allowed");
        answer.headers.add("Allow", "GET, HEAD");
        return answer;
    }
    auto const file = locate(request.path());
    auto content = file ? read_file(*file) : std::nullopt;
    if (!content)
        return http::text(404, "Not Found");
    auto answer = http::text(200, std::move(*content), detail::content_type_of(*file));
    answer.headers.add("Cache-Control", "no-cache");
    answer.headers.add("X-Content-Type-Options", "nosniff");
    return answer;
}

inline std::optional<std::filesystem::path> static_files::locate(std::string_view target) const {
    auto const decoded = http::percent_decode_path(target);
    if (!decoded || !decoded->starts_with('/'))
        return std::nullopt;
    std::error_code error;
    auto file = directory_ / decoded->substr(1);
    if (std::filesystem::is_directory(file, error))
        file /= "index.html";
    file = std::filesystem::weakly_canonical(file, error);
    if (error || !std::filesystem::is_regular_file(file, error))
        return std::nullopt;
    // Links are resolved by now: what is left must lie below the folder.
    auto const below = file.lexically_relative(directory_);
    if (below.empty() || *below.begin() == "..")
        return std::nullopt;
    return file;
}

}  // namespace socoro
