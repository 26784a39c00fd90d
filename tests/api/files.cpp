// SPDX-License-Identifier: BSL-1.0
#include <socoro/client_bundle.hpp>
#include <socoro/static_files.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

namespace fs = std::filesystem;
namespace http = socoro::http;

namespace {

/// A folder of its own that is gone at the end.
struct folder {
    fs::path path;

    folder() {
        std::string name = fs::temp_directory_path() / "socoro-files-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    folder(folder const&) = delete;
    ~folder() { fs::remove_all(path); }

    void write(fs::path const& file, std::string_view content) const {
        fs::create_directories((path / file).parent_path());
        std::ofstream(path / file, std::ios::binary) << content;
    }
};

http::request request_of(std::string target, std::string method = "GET") {
    http::request request;
    request.method = std::move(method);
    request.target = std::move(target);
    return request;
}

http::request with_etag(std::string_view known) {
    auto request = request_of("/socket.io/socket.io.js");
    request.headers.add("If-None-Match", std::string(known));
    return request;
}

/// A package as npm installs it.
struct package : folder {
    package() {
        write("package.json", R"({"name":"socket.io-client","version":"4.8.3"})");
        for (std::string const kind : {"", ".min", ".esm.min", ".msgpack.min"}) {
            write("dist/socket.io" + kind + ".js", "script" + kind);
            write("dist/socket.io" + kind + ".js.map", "map" + kind);
        }
        write("dist/other.js", "not for the browser");
    }
};

/// Compresses so that everybody can see how.
struct visible_compression final : http::compression {
    [[nodiscard]] std::size_t threshold() const noexcept override { return 0; }
    [[nodiscard]] std::string encode(http::coding as, std::string_view body) const override {
        return std::string(name_of(as)) + " of " + std::string(body);
    }
};

/// A page beside a secret.
struct site : folder {
    site() {
        write("page/index.html", "home");
        write("page/app.js", "code");
        write("page/sub/index.html", "sub home");
        write("page/a b.txt", "spaced");
        write("page/..hidden.txt", "dots are only a name");
        write("secret.txt", "secret");
        write("page-of-somebody-else/index.html", "secret");
    }
    socoro::static_files files{path / "page"};

    std::string get(std::string target) const {
        auto const answer = files.find(request_of(std::move(target)));
        return std::to_string(answer.status) + " " + answer.body;
    }
};

}  // namespace

TEST_CASE("api/client_bundle: every file of the script has its type and the version as its tag") {
    package const installed;
    socoro::detail::client_bundle bundle(installed.path / "dist");
    for (std::string const kind : {"", ".min", ".esm.min", ".msgpack.min"}) {
        CAPTURE(kind);
        auto const script = bundle.find("socket.io" + kind + ".js", request_of("/"));
        REQUIRE(script);
        CHECK(script->status == 200);
        CHECK(script->body == "script" + kind);
        CHECK(script->headers.get("Content-Type") == "application/javascript; charset=utf-8");
        CHECK(script->headers.get("Cache-Control") == "public, max-age=0");
        CHECK(script->headers.get("ETag") == "\"4.8.3\"");
        auto const map = bundle.find("socket.io" + kind + ".js.map", request_of("/"));
        REQUIRE(map);
        CHECK(map->body == "map" + kind);
        CHECK(map->headers.get("Content-Type") == "application/json; charset=utf-8");
    }
}

TEST_CASE("api/client_bundle: who has the version already is told so, without a body") {
    package const installed;
    socoro::detail::client_bundle bundle(installed.path / "dist");
    for (std::string const known : {"\"4.8.3\"", "W/\"4.8.3\""}) {
        CAPTURE(known);
        auto const answer = bundle.find("socket.io.js", with_etag(known));
        REQUIRE(answer);
        CHECK(answer->status == 304);
        CHECK(answer->body.empty());
        CHECK(answer->headers.get("ETag") == "\"4.8.3\"");
    }
    for (std::string const other : {"\"4.8.2\"", "4.8.3", "w/\"4.8.3\"", "*", ""}) {
        CAPTURE(other);
        auto const answer = bundle.find("socket.io.js", with_etag(other));
        REQUIRE(answer);
        CHECK(answer->status == 200);
    }
}

TEST_CASE(
    "api/client_bundle: what may be compressed says to caches that it varies, also as known") {
    package const installed;
    auto const with = std::make_shared<visible_compression>();
    socoro::detail::client_bundle bundle(installed.path / "dist", with);
    auto asked = request_of("/socket.io/socket.io.js");
    auto const plain = bundle.find("socket.io.js", asked);
    asked.headers.add("Accept-Encoding", "gzip");
    auto const coded = bundle.find("socket.io.js", asked);
    asked.headers.add("If-None-Match", "\"4.8.3\"");
    auto const known = bundle.find("socket.io.js", asked);
    REQUIRE(plain);
    CHECK(plain->body == "script");
    CHECK_FALSE(plain->headers.contains("Content-Encoding"));
    REQUIRE(coded);
    CHECK(coded->body == "gzip of script");
    CHECK(coded->headers.get("Content-Encoding") == "gzip");
    REQUIRE(known);
    CHECK(known->status == 304);
    CHECK_FALSE(known->headers.contains("Content-Encoding"));
    for (auto const& answer : {*plain, *coded, *known})
        CHECK(answer.headers.get("Vary") == "Accept-Encoding");
}

TEST_CASE("api/client_bundle: other names and methods are left to the engine") {
    package const installed;
    socoro::detail::client_bundle bundle(installed.path / "dist");
    for (std::string const name :
         {"",
          "other.js",
          "../package.json",
          "socket.io.js/",
          "Socket.io.js",
          "socket.io.js.map.map"}) {
        CAPTURE(name);
        CHECK_FALSE(bundle.find(name, request_of("/")).has_value());
    }
    CHECK(bundle.find("socket.io.js", request_of("/", "HEAD")).has_value());
    CHECK_FALSE(bundle.find("socket.io.js", request_of("/", "POST")).has_value());
}

TEST_CASE("api/client_bundle: without a folder, or with an empty one, there is no script") {
    folder const empty;
    socoro::detail::client_bundle none({});
    CHECK_FALSE(none.find("socket.io.js", request_of("/")).has_value());
    socoro::detail::client_bundle missing(empty.path);
    CHECK_FALSE(missing.find("socket.io.js", request_of("/")).has_value());
    // A file that came later is found; its folder has no description, so no version either.
    empty.write("socket.io.js", "late");
    auto const late = missing.find("socket.io.js", request_of("/"));
    REQUIRE(late);
    CHECK(late->body == "late");
    CHECK(late->headers.get("ETag") == "\"0\"");
}

TEST_CASE("api/static_files: files have their types, folders their index") {
    site const there;
    CHECK(there.get("/") == "200 home");
    CHECK(there.get("/index.html?x=1#y") == "200 home");
    CHECK(there.get("/sub/") == "200 sub home");
    CHECK(there.get("/a%20b.txt") == "200 spaced");
    CHECK(there.get("/..hidden.txt") == "200 dots are only a name");
    CHECK(there.get("/sub/../app.js") == "200 code");
    auto const answer = there.files.find(request_of("/app.js"));
    CHECK(answer.headers.get("Content-Type") == "text/javascript; charset=utf-8");
    CHECK(answer.headers.get("X-Content-Type-Options") == "nosniff");
    auto const home = there.files.find(request_of("/", "HEAD"));
    CHECK(home.status == 200);
    CHECK(home.headers.get("Content-Type") == "text/html; charset=utf-8");
}

TEST_CASE("api/static_files: what is not there gets 404, other methods get 405") {
    site const there;
    for (std::string const target :
         {"/none", "/app.js/", "/app.js/x", "/%zz", "/app.js%00", "*", "", "/page", "/App.js"}) {
        CAPTURE(target);
        CHECK(there.get(target) == "404 Not Found");
    }
    for (std::string const method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
        CAPTURE(method);
        auto const answer = there.files.find(request_of("/", method));
        CHECK(answer.status == 405);
        CHECK(answer.headers.get("Allow") == "GET, HEAD");
    }
}

TEST_CASE("api/static_files: nothing outside the folder is served") {
    site const there;
    auto const absolute = (there.path / "secret.txt").string();
    for (std::string const& target :
         {std::string("/../secret.txt"),
          std::string("/%2e%2e/secret.txt"),
          std::string("/%2E%2E%2Fsecret.txt"),
          std::string("/sub/../../secret.txt"),
          std::string("/sub/..%2f..%2fsecret.txt"),
          std::string("/%252e%252e/secret.txt"),
          std::string("/../page-of-somebody-else/"),
          std::string("/.."),
          "/" + absolute,
          "/%2f" + absolute.substr(1),
          "file://" + absolute}) {
        CAPTURE(target);
        CHECK(there.get(target) == "404 Not Found");
    }
}

TEST_CASE("api/static_files: links are followed inside the folder, but not out of it") {
    site const there;
    auto const page = there.path / "page";
    fs::create_symlink("app.js", page / "inner.js");
    fs::create_symlink("../secret.txt", page / "outer.txt");
    fs::create_directory_symlink(there.path / "page-of-somebody-else", page / "away");
    fs::create_directory(page / "linked");
    fs::create_symlink("../../secret.txt", page / "linked" / "index.html");
    CHECK(there.get("/inner.js") == "200 code");
    CHECK(there.get("/outer.txt") == "404 Not Found");
    CHECK(there.get("/away/index.html") == "404 Not Found");
    CHECK(there.get("/away/") == "404 Not Found");
    CHECK(there.get("/linked/") == "404 Not Found");
}
