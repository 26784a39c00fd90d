// SPDX-License-Identifier: BSL-1.0
// The browser's script: the official files of the npm package socket.io-client, served from the
// folder they were installed in, with the reference's header fields.
#pragma once

#include <socoro/base/file.hpp>
#include <socoro/http/content_coding.hpp>
#include <socoro/http/message.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

/// Answers requests for the script. Files are read when they are first asked for, then kept.
class client_bundle {
public:
    /// `directory` is the package's folder `dist`; empty if there is no script to serve. Without
    /// `compression` nothing is compressed.
    explicit client_bundle(
        std::filesystem::path directory,
        std::shared_ptr<http::compression const> compression = nullptr);

    /// The answer to a request for `name`, what follows the path and its slash; nothing if that
    /// is no file of the script.
    [[nodiscard]] std::optional<http::response> find(
        std::string_view name,
        http::request const& request);

private:
    static constexpr std::array<std::string_view, 8> names{
        "socket.io.js",
        "socket.io.js.map",
        "socket.io.min.js",
        "socket.io.min.js.map",
        "socket.io.esm.min.js",
        "socket.io.esm.min.js.map",
        "socket.io.msgpack.min.js",
        "socket.io.msgpack.min.js.map"};

    using contents = std::map<std::string, std::string, std::less<>>;

    /// The content of a file, read when it is first asked for; null if it is not there.
    [[nodiscard]] std::string const* content_of(std::string_view name);
    /// The same compressed, once for all.
    [[nodiscard]] std::string const&
    coded_content(std::string_view name, std::string const& content, http::coding as);
    void add_content(
        http::response& answer,
        std::string_view name,
        std::string const& content,
        http::request const& request);
    [[nodiscard]] bool is_known_to(http::request const& request) const;

    std::filesystem::path directory_;
    std::string etag_;
    contents contents_;
    std::shared_ptr<http::compression const> compression_;
    std::map<http::coding, contents> coded_;
};

/// The version in the package's own description, one folder above.
[[nodiscard]] inline std::string version_of_package(std::filesystem::path const& dist) {
    auto const text = read_file(dist / ".." / "package.json");
    boost::system::error_code error;
    auto const package = text ? boost::json::parse(*text, error) : boost::json::value();
    auto const* const object = error ? nullptr : package.if_object();
    auto const* const version = object ? object->if_contains("version") : nullptr;
    if (!version || !version->is_string())
        return "0";
    return std::string(version->get_string());
}

inline client_bundle::client_bundle(
    std::filesystem::path directory,
    std::shared_ptr<http::compression const> compression)
    : directory_(std::move(directory))
    , compression_(std::move(compression)) {
    if (!directory_.empty())
        etag_ = '"' + version_of_package(directory_) + '"';
}

inline std::optional<http::response> client_bundle::find(
    std::string_view name,
    http::request const& request) {
    bool const listed = std::find(names.begin(), names.end(), name) != names.end();
    bool const reads = request.method == "GET" || request.method == "HEAD";
    if (directory_.empty() || !listed || !reads)
        return std::nullopt;
    auto const* const content = content_of(name);
    if (!content)
        return std::nullopt;
    http::response answer;
    answer.headers.add("Cache-Control", "public, max-age=0");
    bool const map = name.ends_with(".map");
    std::string const type = map ? "application/json" : "application/javascript";
    answer.headers.add("Content-Type", type + "; charset=utf-8");
    answer.headers.add("ETag", etag_);
    // Unlike the reference's: caches may keep these answers.
    if (compression_)
        answer.headers.add("Vary", "Accept-Encoding");
    if (is_known_to(request))
        answer.status = 304;
    else
        add_content(answer, name, *content, request);
    return answer;
}

inline void client_bundle::add_content(
    http::response& answer,
    std::string_view name,
    std::string const& content,
    http::request const& request) {
    auto const chosen = compression_
                            ? http::preferred_coding(request.headers.list("Accept-Encoding"))
                            : http::coding::identity;
    if (chosen == http::coding::identity) {
        answer.body = content;
        return;
    }
    answer.headers.add("Content-Encoding", std::string(http::name_of(chosen)));
    answer.body = coded_content(name, content, chosen);
}

inline std::string const&
client_bundle::coded_content(std::string_view name, std::string const& content, http::coding as) {
    auto& kept = coded_[as];
    auto const found = kept.find(name);
    if (found != kept.end())
        return found->second;
    return kept.emplace(name, compression_->encode(as, content)).first->second;
}

inline bool client_bundle::is_known_to(http::request const& request) const {
    auto const known = request.headers.get("if-none-match");
    return known == etag_ || known == "W/" + etag_;
}

inline std::string const* client_bundle::content_of(std::string_view name) {
    auto kept = contents_.find(name);
    if (kept == contents_.end()) {
        auto content = read_file(directory_ / name);
        if (!content)
            return nullptr;
        kept = contents_.emplace(name, std::move(*content)).first;
    }
    return &kept->second;
}

}  // namespace socoro::detail
