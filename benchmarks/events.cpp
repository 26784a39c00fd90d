// SPDX-License-Identifier: BSL-1.0
// What it costs to turn an event into a packet, and a packet into an event.
#include <socoro.hpp>

#include <benchmark/benchmark.h>
#include <string>
#include <tuple>

namespace {

struct line {
    static constexpr auto event_name = "line";
    std::string author, text;
    std::int64_t time = 0;
};
BOOST_DESCRIBE_STRUCT(line, (), (author, text, time))

using positional = socoro::event<"positional", std::string, int>;

line const spoken{"Grace", "a message of about the length that people write", 1'700'000'000'000};

void encode_described(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(socoro::detail::encode_event(spoken));
}
BENCHMARK(encode_described);

void encode_positional(benchmark::State& state) {
    positional const event("hello", 7);
    for (auto _ : state)
        benchmark::DoNotOptimize(socoro::detail::encode_event(event));
}
BENCHMARK(encode_positional);

void make_frames(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(
            socoro::detail::make_frames(nullptr, {}, socoro::detail::encode_event(spoken)));
}
BENCHMARK(make_frames);

void decode_described(benchmark::State& state) {
    std::string const text = "2" + socoro::detail::encode_event(spoken).json;
    for (auto _ : state) {
        socoro::sio::decoder decoder{socoro::limits()};
        auto packet = decoder.feed({false, text});
        auto const& list = (*packet)->data->as_array();
        socoro::detail::value_reader reader((*packet)->attachments);
        std::tuple<line> values;
        if (!socoro::detail::read_arguments(list, 1, reader, values))
            state.SkipWithError("the event does not fit");
        benchmark::DoNotOptimize(values);
    }
}
BENCHMARK(decode_described);

}  // namespace

BENCHMARK_MAIN();
