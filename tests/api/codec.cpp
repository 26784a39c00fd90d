// SPDX-License-Identifier: BSL-1.0
#include <socoro/codec.hpp>
#include <socoro/event.hpp>
#include <socoro/sio/json_reader.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace codec_test {

using socoro::bytes;

enum class colour { red, green = 7, blue };
BOOST_DESCRIBE_ENUM(colour, red, green, blue)

struct point {
    int x = 0, y = 0;
    bool operator==(point const&) const = default;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, y))

struct named {
    std::string name;
    bool operator==(named const&) const = default;
};
BOOST_DESCRIBE_STRUCT(named, (), (name))

struct shape : named {
    point at;
    std::vector<point> corners;
    std::optional<std::string> label;
    colour fill = colour::green;
    bool operator==(shape const&) const = default;
};
BOOST_DESCRIBE_STRUCT(shape, (named), (at, corners, label, fill))

struct file {
    std::string name;
    socoro::bytes content;
    std::optional<socoro::bytes> thumbnail;
    std::map<std::string, std::vector<socoro::bytes>> parts;
    bool operator==(file const&) const = default;
};
BOOST_DESCRIBE_STRUCT(file, (), (name, content, thumbnail, parts))

struct numbered : named {
    int number = 0;
    bool operator==(numbered const&) const = default;
};
BOOST_DESCRIBE_STRUCT(numbered, (named), (number))

struct tagged {
    std::set<std::string> tags;
    bool operator==(tagged const&) const = default;
};
BOOST_DESCRIBE_STRUCT(tagged, (), (tags))

struct part : numbered, tagged {
    std::vector<part> parts;
    std::optional<std::variant<bytes, point, std::string>> content;
    bool operator==(part const&) const = default;
};
BOOST_DESCRIBE_STRUCT(part, (numbered, tagged), (parts, content))

}  // namespace codec_test

namespace {

namespace json = boost::json;
using namespace codec_test;

/// Values as a list in JSON text, with what binary data they have.
template <typename... Args>
std::string listed(std::vector<std::string>& binary, Args const&... args) {
    std::string text = "[";
    socoro::detail::write_values(text, binary, args...);
    return text + "]";
}

/// The same with the attachments behind, separated by `|`.
template <typename... Args>
std::string encoded(Args const&... args) {
    std::vector<std::string> binary;
    auto text = listed(binary, args...);
    for (auto const& data : binary)
        text += "|" + data;
    return text;
}

/// Reads the arguments in `text` as `Args`; gives where it fails and what was expected there.
template <typename... Args>
std::string reading(
    std::string const& text,
    std::tuple<Args...>& into,
    std::vector<std::string> const& attachments = {}) {
    auto const parsed = socoro::sio::parse_json(text, {});
    REQUIRE(parsed.has_value());
    socoro::detail::value_reader reader(attachments);
    if (socoro::detail::read_arguments(parsed->as_array(), 0, reader, into))
        return "fits";
    return reader.why().where + " is not " + reader.why().expected;
}

template <typename... Args>
std::string misfit_of(std::string const& text, std::vector<std::string> const& attachments = {}) {
    CAPTURE(text);
    std::tuple<Args...> values;
    return reading(text, values, attachments);
}

/// Encodes a value, reads what came of it, and encodes that again: the same each time.
template <typename T>
std::string there_and_back(T const& value) {
    std::vector<std::string> binary;
    auto const text = listed(binary, value);
    std::tuple<T> back;
    REQUIRE(reading(text, back, binary) == "fits");
    CHECK(std::get<0>(back) == value);
    CHECK(encoded(std::get<0>(back)) == encoded(value));
    return encoded(value);
}

}  // namespace

TEST_CASE("api/codec: scalars travel as the JSON that JavaScript would write") {
    CHECK(there_and_back(true) == "[true]");
    CHECK(there_and_back(-7) == "[-7]");
    CHECK(there_and_back(std::uint8_t{200}) == "[200]");
    CHECK(there_and_back(short{-3}) == "[-3]");
    CHECK(there_and_back(std::string("a\"\n\u00e9")) == "[\"a\\\"\\n\u00e9\"]");
    CHECK(there_and_back(nullptr) == "[null]");
    CHECK(there_and_back(std::monostate()) == "[null]");
    CHECK(there_and_back(0.5f) == "[0.5]");
    CHECK(there_and_back(json::string("text")) == "[\"text\"]");
    CHECK(encoded("literal", std::string_view("view")) == "[\"literal\",\"view\"]");
    CHECK(encoded() == "[]");
}

TEST_CASE("api/codec: doubles and 64-bit integers survive the way there and back") {
    CHECK(there_and_back(0.1) == "[0.1]");
    CHECK(there_and_back(1e21) == "[1e+21]");
    CHECK(there_and_back(-1.5e-300) == "[-1.5e-300]");
    CHECK(there_and_back(5e-324) == "[5e-324]");
    CHECK(there_and_back(3.0) == "[3]");
    CHECK(there_and_back(std::numeric_limits<std::int64_t>::max()) == "[9223372036854775807]");
    CHECK(there_and_back(std::numeric_limits<std::int64_t>::min()) == "[-9223372036854775808]");
    CHECK(there_and_back(std::numeric_limits<std::uint64_t>::max()) == "[18446744073709551615]");
    // What is no number in JSON arrives as null.
    CHECK(encoded(std::nan(""), std::numeric_limits<double>::infinity()) == "[null,null]");
}

TEST_CASE("api/codec: lists, tuples and maps travel as arrays and objects") {
    CHECK(there_and_back(std::vector<int>{1, 2}) == "[[1,2]]");
    CHECK(there_and_back(std::vector<int>()) == "[[]]");
    CHECK(there_and_back(std::vector<bool>{true, false}) == "[[true,false]]");
    CHECK(there_and_back(std::list<std::string>{"a", "b"}) == "[[\"a\",\"b\"]]");
    CHECK(there_and_back(std::deque<double>{0.5}) == "[[0.5]]");
    CHECK(there_and_back(std::set<int>{3, 1}) == "[[1,3]]");
    CHECK(there_and_back(std::array<int, 2>{4, 5}) == "[[4,5]]");
    CHECK(there_and_back(std::pair<std::string, int>("a", 1)) == "[[\"a\",1]]");
    CHECK(there_and_back(std::tuple<int, bool, std::string>(1, true, "x")) == "[[1,true,\"x\"]]");
    CHECK(there_and_back(std::map<std::string, int>{{"a", 1}, {"b", 2}}) == "[{\"a\":1,\"b\":2}]");
    CHECK(there_and_back(std::unordered_map<std::string, int>{{"a", 1}}) == "[{\"a\":1}]");
    CHECK(
        there_and_back(std::map<std::string, std::vector<std::optional<int>>>{
            {"n", {1, std::nullopt}}}) == "[{\"n\":[1,null]}]");
}

TEST_CASE("api/codec: structures travel as objects, enumerations by name, inherited members too") {
    shape value{{"s"}, {1, 2}, {{3, 4}}, std::nullopt, colour::blue};
    CHECK(
        there_and_back(value) ==
        R"([{"name":"s","at":{"x":1,"y":2},"corners":[{"x":3,"y":4}],"fill":"blue"}])");
    value.label = "l";
    CHECK(there_and_back(value).find(R"("label":"l")") != std::string::npos);
    CHECK(there_and_back(colour::red) == "[\"red\"]");
}

TEST_CASE(
    "api/codec: members that are unknown are passed over, optional ones may be null or missing") {
    std::tuple<shape> into;
    CHECK(
        reading(
            R"([{"name":"s","at":{"y":2,"x":1,"z":3},"corners":[],"fill":"red","more":{}}])",
            into) == "fits");
    CHECK(std::get<0>(into) == shape{{"s"}, {1, 2}, {}, std::nullopt, colour::red});
    std::get<0>(into).label = "old";
    CHECK(
        reading(
            R"([{"name":"s","at":{"x":1,"y":2},"corners":[],"label":null,"fill":"red"}])",
            into) == "fits");
    CHECK_FALSE(std::get<0>(into).label.has_value());
}

TEST_CASE("api/codec: what is read takes the place of what was there") {
    std::tuple<std::vector<int>, std::map<std::string, int>, std::optional<int>, std::string> into{
        {1, 2},
        {{"a", 1}},
        3,
        "old"};
    REQUIRE(reading(R"([[4],{"b":2},null,"new"])", into) == "fits");
    CHECK(std::get<0>(into) == std::vector<int>{4});
    CHECK(std::get<1>(into) == std::map<std::string, int>{{"b", 2}});
    CHECK_FALSE(std::get<2>(into).has_value());
    CHECK(std::get<3>(into) == "new");
}

TEST_CASE("api/codec: a misfit names the argument and the path to the member") {
    CHECK(misfit_of<shape>("[1]") == "argument 1 is not an object");
    CHECK(misfit_of<int, shape>("[1,[]]") == "argument 2 is not an object");
    CHECK(misfit_of<shape>("[{}]") == "argument 1.name is not a member of that name");
    CHECK(
        misfit_of<shape>(R"([{"name":"s","at":{"x":1}}])") ==
        "argument 1.at.y is not a member of that name");
    CHECK(
        misfit_of<shape>(
            R"([{"name":"s","at":{"x":1,"y":2},"corners":[{"x":1,"y":2},{"x":"1"}]}])") ==
        "argument 1.corners[1].x is not a whole number");
    CHECK(
        misfit_of<shape>(
            R"([{"name":"s","at":{"x":1,"y":2},"corners":[],"label":7,"fill":"red"}])") ==
        "argument 1.label is not a string");
    CHECK(
        misfit_of<shape>(R"([{"name":"s","at":{"x":1,"y":2},"corners":[],"fill":"pink"}])") ==
        "argument 1.fill is not one of red, green, blue");
    CHECK(
        misfit_of<std::map<std::string, std::vector<int>>>(R"([{"a":[1],"b":[1,null]}])") ==
        "argument 1.b[1] is not a whole number");
    CHECK(misfit_of<std::pair<int, bool>>("[[1,2]]") == "argument 1[1] is not a boolean");
    CHECK(misfit_of<std::array<int, 3>>("[[1,2]]") == "argument 1 is not an array of 3");
    CHECK(misfit_of<std::tuple<int>>("[[1,2]]") == "argument 1 is not an array of 1");
}

TEST_CASE("api/codec: a structure has the members of all its bases, and may hold its own kind") {
    part const leaf{{{"leaf"}, 2}, {{"b", "a"}}, {}, point{3, 4}};
    part const root{{{"root"}, 1}, {}, {leaf, leaf}, bytes{"data"}};
    std::string const written =
        R"({"name":"leaf","number":2,"tags":["a","b"],"parts":[],"content":{"x":3,"y":4}})";
    CHECK(
        there_and_back(root) == R"([{"name":"root","number":1,"tags":[],"parts":[)" + written +
                                    "," + written +
                                    R"(],"content":{"_placeholder":true,"num":0}}]|data)");
    CHECK(
        misfit_of<part>(
            R"([{"name":"root","number":1,"tags":[],"parts":[{"name":"leaf","number":"2"}]}])") ==
        "argument 1.parts[0].number is not a whole number");
    CHECK(
        misfit_of<part>(R"([{"name":"root","number":1,"tags":["a",1],"parts":[]}])") ==
        "argument 1.tags[1] is not a string");
}

TEST_CASE("api/codec: the path of a misfit goes through maps, lists, tuples and structures") {
    using deep = std::map<std::string, std::vector<std::pair<std::string, std::optional<shape>>>>;
    auto const path = [](std::string const& innermost) {
        return misfit_of<int, deep>(R"([1,{"a":[],"b":[["s",null],["s",)" + innermost + "]]}]");
    };
    CHECK(path("null") == "fits");
    CHECK(path("7") == "argument 2.b[1][1] is not an object");
    CHECK(path(R"({"name":null})") == "argument 2.b[1][1].name is not a string");
    CHECK(
        path(R"({"name":"n","at":{"x":2147483648}})") ==
        "argument 2.b[1][1].at.x is not a whole number in range");
    CHECK(
        path(R"({"name":"n","at":{"x":1,"y":2},"corners":[{"x":1}]})") ==
        "argument 2.b[1][1].corners[0].y is not a member of that name");
    CHECK(
        path(R"({"name":"n","at":{"x":1,"y":2},"corners":[],"fill":7})") ==
        "argument 2.b[1][1].fill is not one of red, green, blue");
}

TEST_CASE("api/codec: a key that is no word is quoted in the path of a misfit") {
    using lists = std::map<std::string, std::vector<int>>;
    auto const path = [](std::string const& key) {
        return misfit_of<lists>("[{\"" + key + "\":[true]}]");
    };
    std::string const rest = "[0] is not a whole number";
    CHECK(path("key_1") == "argument 1.key_1" + rest);
    CHECK(path("") == "argument 1[\"\"]" + rest);
    CHECK(path("a.b") == "argument 1[\"a.b\"]" + rest);
    CHECK(path("two words") == "argument 1[\"two words\"]" + rest);
    CHECK(path("\\n\\\"") == "argument 1[\"\\n\\\"\"]" + rest);
}

TEST_CASE("api/codec: every type refuses the others") {
    std::string const values[] = {"null", "true", "1", "0.5", "\"s\"", "[]", "{}"};
    auto const accepted = [&]<typename T>(std::type_identity<T>) {
        std::string all;
        for (auto const& value : values)
            if (misfit_of<T>("[" + value + "]") == "fits")
                all += value + " ";
        return all;
    };
    CHECK(accepted(std::type_identity<bool>()) == "true ");
    CHECK(accepted(std::type_identity<int>()) == "1 ");
    CHECK(accepted(std::type_identity<double>()) == "1 0.5 ");
    CHECK(accepted(std::type_identity<std::string>()) == "\"s\" ");
    CHECK(accepted(std::type_identity<std::nullptr_t>()) == "null ");
    CHECK(accepted(std::type_identity<std::monostate>()) == "null ");
    CHECK(accepted(std::type_identity<std::optional<int>>()) == "null 1 ");
    CHECK(accepted(std::type_identity<std::vector<int>>()) == "[] ");
    CHECK(accepted(std::type_identity<std::tuple<>>()) == "[] ");
    CHECK(accepted(std::type_identity<std::map<std::string, int>>()) == "{} ");
    CHECK(accepted(std::type_identity<file>()).empty());
    CHECK(accepted(std::type_identity<bytes>()).empty());
    CHECK(accepted(std::type_identity<colour>()).empty());
    CHECK(accepted(std::type_identity<json::array>()) == "[] ");
    CHECK(accepted(std::type_identity<json::object>()) == "{} ");
    CHECK(accepted(std::type_identity<json::string>()) == "\"s\" ");
    CHECK(accepted(std::type_identity<json::value>()) == "null true 1 0.5 \"s\" [] {} ");
}

TEST_CASE("api/codec: a whole number is in range at both ends, and has no fraction") {
    CHECK(misfit_of<std::int8_t>("[127]") == "fits");
    CHECK(misfit_of<std::int8_t>("[-128]") == "fits");
    for (std::string const number :
         {"128", "-129", "1e3", "0.5", "-127.5", "18446744073709551615"}) {
        CAPTURE(number);
        CHECK(
            misfit_of<std::int8_t>("[" + number + "]") ==
            "argument 1 is not a whole number in range");
    }
    CHECK(misfit_of<unsigned>("[4294967295]") == "fits");
    CHECK(misfit_of<unsigned>("[4294967296]") == "argument 1 is not a whole number in range");
    CHECK(misfit_of<unsigned>("[-1]") == "argument 1 is not a whole number in range");
    CHECK(misfit_of<std::int64_t>("[9223372036854775807]") == "fits");
    CHECK(misfit_of<std::int64_t>("[9223372036854775808]") != "fits");
    CHECK(misfit_of<std::int64_t>("[-9223372036854775808]") == "fits");
    CHECK(misfit_of<std::int64_t>("[-9223372036854777856]") != "fits");
    CHECK(misfit_of<std::uint64_t>("[18446744073709551615]") == "fits");
    CHECK(misfit_of<std::uint64_t>("[18446744073709551616]") != "fits");
    CHECK(misfit_of<std::uint64_t>("[1e400]") != "fits");
    // JavaScript has one kind of number: 3.0 and 3e0 are whole.
    CHECK(misfit_of<int>("[3.0]") == "fits");
    CHECK(misfit_of<int>("[3e2]") == "fits");
    CHECK(misfit_of<float>("[3.4e38]") == "fits");
    CHECK(misfit_of<float>("[-1e39]") == "argument 1 is not a number in range");
    CHECK(misfit_of<double>("[true]") == "argument 1 is not a number");
}

TEST_CASE("api/codec: an enumeration is one of its names exactly") {
    CHECK(misfit_of<colour>("[\"green\"]") == "fits");
    for (std::string const other : {"\"Green\"", "\"\"", "\"red\\u0000\"", "7", "null", "\"re\""}) {
        CAPTURE(other);
        CHECK(misfit_of<colour>("[" + other + "]") == "argument 1 is not one of red, green, blue");
    }
}

TEST_CASE(
    "api/codec: arguments may be missing only if they are optional, and more are passed over") {
    CHECK(misfit_of<int, std::string>("[1]") == "argument 2 is not present");
    CHECK(misfit_of<int>("[]") == "argument 1 is not present");
    std::tuple<int, std::optional<std::string>> into{0, "old"};
    CHECK(reading("[1,null]", into) == "fits");
    CHECK_FALSE(std::get<1>(into).has_value());
    CHECK(misfit_of<int, std::optional<std::string>>("[1]") == "fits");
    CHECK(misfit_of<int, std::optional<std::string>>("[1,2]") == "argument 2 is not a string");
    CHECK(misfit_of<int>("[1,\"two\",{}]") == "fits");
    CHECK(misfit_of<>("[1]") == "fits");
}

TEST_CASE("api/codec: a variant is the first of its types that fits") {
    using choice =
        std::variant<std::monostate, bool, std::int8_t, double, std::string, point, bytes>;
    auto const chosen = [](std::string const& text) {
        std::tuple<choice> into;
        std::vector<std::string> const attachments{"data"};
        auto const verdict = reading(text, into, attachments);
        return verdict == "fits" ? std::to_string(std::get<0>(into).index()) : verdict;
    };
    CHECK(chosen("[null]") == "0");
    CHECK(chosen("[false]") == "1");
    CHECK(chosen("[100]") == "2");
    CHECK(chosen("[1000]") == "3");
    CHECK(chosen("[\"s\"]") == "4");
    CHECK(chosen(R"([{"x":1,"y":2}])") == "5");
    CHECK(chosen(R"([{"_placeholder":true,"num":0}])") == "6");
    CHECK(chosen("[[]]") == "argument 1 is not one of several types");
    CHECK(chosen(R"([{"x":1}])") == "argument 1 is not one of several types");
    CHECK(there_and_back(choice("s")) == "[\"s\"]");
    CHECK(there_and_back(choice(point{1, 2})) == R"([{"x":1,"y":2}])");
}

TEST_CASE("api/codec: what did not fit one type of a variant is forgotten if another fits") {
    using choice = std::variant<std::vector<int>, std::map<std::string, int>, json::value>;
    using choices = std::vector<std::variant<std::vector<int>, std::vector<std::string>>>;
    CHECK(misfit_of<choice>("[[1,true]]") == "fits");
    CHECK(misfit_of<choices>(R"([[[1],["a"],[]]])") == "fits");
    CHECK(
        misfit_of<choices>(R"([[[1],["a"],[1,"a"]]])") ==
        "argument 1[2] is not one of several types");
    CHECK(misfit_of<choices, int>(R"([[["a"]],"1"])") == "argument 2 is not a whole number");
    // Nothing of the first try is left in the second.
    std::tuple<choices> into;
    REQUIRE(reading(R"([[["a","b"]]])", into) == "fits");
    CHECK(std::get<1>(std::get<0>(into).at(0)) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("api/codec: binary data may be a choice, an option or an element") {
    using choice = std::variant<std::string, bytes, std::vector<bytes>>;
    using values = std::map<std::string, std::vector<std::optional<choice>>>;
    values const value{
        {"a", {choice(bytes{"1"}), std::nullopt, choice("text")}},
        {"b", {choice(std::vector<bytes>{{"2"}, {"3"}})}}};
    CHECK(
        there_and_back(value) ==
        R"([{"a":[{"_placeholder":true,"num":0},null,"text"],)"
        R"("b":[[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]]}]|1|2|3)");
    CHECK(
        misfit_of<values>(R"([{"a":["text",{"_placeholder":true,"num":0}]}])") ==
        "argument 1.a[1] is not one of several types");
    CHECK(
        misfit_of<std::vector<bytes>>(R"([[{"_placeholder":true,"num":1}]])", {"only one"}) ==
        "argument 1[0] is not binary data");
}

TEST_CASE("api/codec: binary data anywhere become attachments, in order") {
    file const value{
        "f",
        {std::string("\x00\xff", 2)},
        bytes{"thumb"},
        {{"a", {{"1"}, {""}}}, {"b", {{"3"}}}}};
    CHECK(
        there_and_back(value) ==
        R"([{"name":"f","content":{"_placeholder":true,"num":0},)"
        R"("thumbnail":{"_placeholder":true,"num":1},"parts":{)"
        R"("a":[{"_placeholder":true,"num":2},{"_placeholder":true,"num":3}],)"
        R"("b":[{"_placeholder":true,"num":4}]}}]|)" +
            std::string("\x00\xff", 2) + "|thumb|1||3");
    CHECK(
        encoded(1, bytes{"x"}, std::vector<bytes>{{"y"}}) ==
        R"([1,{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]|x|y)");
}

TEST_CASE("api/codec: a placeholder without its attachment is no binary data") {
    std::vector<std::string> const one{"data"};
    CHECK(misfit_of<bytes>(R"([{"_placeholder":true,"num":0}])", one) == "fits");
    CHECK(
        misfit_of<bytes>(R"([{"_placeholder":true,"num":0}])") == "argument 1 is not binary data");
    for (std::string const forged :
         {R"({"_placeholder":true,"num":1})",
          R"({"_placeholder":true,"num":-1})",
          R"({"_placeholder":true,"num":0.5})",
          R"({"_placeholder":true,"num":"0"})",
          R"({"_placeholder":true,"num":18446744073709551616})",
          R"({"_placeholder":true})",
          R"({"_placeholder":1,"num":0})",
          R"({"_placeholder":"true","num":0})",
          R"({"num":0})",
          R"("data")"}) {
        CAPTURE(forged);
        CHECK(misfit_of<bytes>("[" + forged + "]", one) == "argument 1 is not binary data");
    }
    CHECK(
        misfit_of<file>(R"([{"name":"f","content":"text","parts":{}}])") ==
        "argument 1.content is not binary data");
}

TEST_CASE("api/codec: JSON values pass through untouched, however deep") {
    std::string const text =
        R"([{"a":[1,-2.5,1e+21,18446744073709551615,null,true,"x"],"b":{"c":{}},"_placeholder":false}])";
    std::tuple<json::value> any;
    REQUIRE(reading(text, any) == "fits");
    CHECK(encoded(std::get<0>(any)) == text);
    std::string const deep = "[" + std::string(120, '[') + std::string(120, ']') + "]";
    std::tuple<json::value> nested;
    REQUIRE(reading(deep, nested) == "fits");
    CHECK(encoded(std::get<0>(nested)) == deep);
    // Deeper than any stack would bear, if the encoder recursed; built by moving, so as not to.
    json::value tower = json::array();
    for (int i = 0; i < 2'000; ++i) {
        json::array storey;
        storey.push_back(std::move(tower));
        tower = std::move(storey);
    }
    auto const written = encoded(tower);
    CHECK(written.size() == 2 * 2'002);
    CHECK(encoded(json::object{{"a", 1}}, json::array{1, "b"}) == R"([{"a":1},[1,"b"]])");
}

TEST_CASE("api/codec: a placeholder that somebody else wrote is not sent on") {
    std::vector<std::string> binary;
    auto const relayed = json::parse(R"({"a":{"_placeholder":true,"num":0},"b":1})");
    std::string const mine = R"({"_placeholder":true,"num":0})";
    CHECK(listed(binary, relayed, bytes("mine")) == R"([{"a":null,"b":1},)" + mine + "]");
    CHECK(binary == std::vector<std::string>{"mine"});
    CHECK(
        encoded(relayed.as_object(), json::array{relayed, 1}) ==
        R"([{"a":null,"b":1},[{"a":null,"b":1},1]])");
    CHECK(encoded(relayed.at("a"), relayed.at("a").as_object()) == "[null,null]");
}
