// SPDX-License-Identifier: BSL-1.0
// What WebSocket frames and polling payloads cost on their way in and out.
#include <socoro/eio/payload.hpp>
#include <socoro/ws/reader.hpp>
#include <socoro/ws/writer.hpp>

#include <benchmark/benchmark.h>
#include <string>
#include <vector>

namespace {

namespace eio = socoro::eio;
namespace ws = socoro::ws;

void read_frame(benchmark::State& state) {
    std::string const payload(static_cast<std::size_t>(state.range(0)), 'x');
    std::string bytes;
    ws::append_frame(bytes, ws::opcode::text, payload, ws::mask_key{1, 2, 3, 4});
    ws::reader reader(ws::role::server);
    for (auto _ : state) {
        for (std::string_view rest = bytes; !rest.empty();)
            rest.remove_prefix(*reader.feed(rest));
        benchmark::DoNotOptimize(reader.next());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_frame)->Arg(50)->Arg(1000)->Arg(60'000);

void write_frame(benchmark::State& state) {
    std::string const payload(static_cast<std::size_t>(state.range(0)), 'x');
    std::string out;
    for (auto _ : state) {
        out.clear();
        ws::append_frame(out, ws::opcode::text, payload);
        benchmark::DoNotOptimize(out);
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(write_frame)->Arg(50)->Arg(1000)->Arg(60'000);

void decode_payload(benchmark::State& state) {
    std::vector<eio::packet> packets(16, eio::packet::from({false, "2[\"message\",\"hello\"]"}));
    auto const text = eio::encode(packets);
    for (auto _ : state)
        benchmark::DoNotOptimize(eio::decode(text, socoro::limits()));
}
BENCHMARK(decode_payload);

}  // namespace

BENCHMARK_MAIN();
