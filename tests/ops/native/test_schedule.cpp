// How programs are laid out: what is left of them, and that lines are used again.
#include <doctest/doctest.h>

#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// All variants on a batch of 70, against the reference.
void check_run(const std::vector<uint32_t>& words) {
  const Program program = parse(words);
  Random random(2);
  const uint64_t batch = 70;
  const std::vector<uint8_t> bits = random.bits(batch * program.n_inputs);
  std::vector<uint8_t> want;
  for (uint64_t s = 0; s < batch; ++s) {
    const auto row = reference::outputs(words, bits.data() + s * program.n_inputs);
    want.insert(want.end(), row.begin(), row.end());
  }
  for (const Kernels* k : variants()) {
    CAPTURE(k->name);
    CHECK(run_bits(*k, program, bytes_source(program, bits), batch, 4) == want);
  }
}

}  // namespace

TEST_CASE("gates and inputs that no output needs are dropped") {
  // Wires 1 to 5 are inputs; of the gates 6 to 9 only 7 and 9 are needed.
  const auto words = encode(5, {{2, 0x8, {1, 3, 2, 4}}, {3, 0x96, {6, 1, 2, 7, 4, 4}}}, {18, 19});
  const Schedule result = schedule(parse(words), 0);
  REQUIRE(result.inputs.size() == 2);
  CHECK(result.inputs[0].index == 1);
  CHECK(result.inputs[1].index == 3);
  uint32_t gates = 0;
  for (const Step& step : result.steps) gates += step.count;
  CHECK(gates <= 2 + 2);  // and those that may write the outputs
  check_run(words);
}

TEST_CASE("a program without gates has outputs") {
  check_run(encode(0, {}, {0, 1, 1}));
  check_run(encode(3, {}, {0, 1, 2, 3, 6, 7, 2}));
}

TEST_CASE("gates of each number of inputs are kept") {
  Random random(3);
  for (uint32_t k = 1; k <= 6; ++k)
    for (int i = 0; i < 5; ++i) {
      CAPTURE(k);
      check_run(random_program(random, 1 + random.below(80), 6, 1 + random.below(80), k, k));
    }
}

TEST_CASE("a chain of gates needs few lines") {
  for (uint32_t k : {2u, 3u}) {
    std::vector<Gates> runs;
    for (uint32_t i = 0; i < 1000; ++i) {
      runs.push_back({k, k == 2 ? 0x6u : 0x96u, {3 + i, 1}});
      if (k == 3) runs.back().fanins.push_back(2);
    }
    const auto words = encode(3, runs, {2 * 1003, 2 * 1003 + 1});
    CHECK(schedule(parse(words), 0).n_slots <= 24);
    check_run(words);
  }
}

TEST_CASE("a wire that is read late keeps its line") {
  // Input 1 and the first gate are read again by the last gate.
  std::vector<Gates> runs = {{2, 0x8, {1, 2}}};
  for (uint32_t i = 0; i < 50; ++i) runs.push_back({2, 0x6, {3 + i, 2, 3 + i, 3 + i}});
  uint32_t last = 3;
  for (uint32_t i = 0; i < 50; ++i) {
    runs[1 + i].fanins = {last, 2, last, 2};
    last = 4 + 2 * i;
  }
  runs.push_back({3, 0x80, {last, 3, 1}});
  check_run(encode(2, runs, {2 * 104, 2 * 104 + 1, 2}));
}

TEST_CASE("more lines than 16 bits can number") {
  const uint32_t n = 70000;
  std::vector<uint32_t> fanins, outputs;
  for (uint32_t i = 0; i + 1 < n; ++i) {
    fanins.insert(fanins.end(), {1 + i, 2 + i});
    outputs.push_back(2 * (1 + n + i));
  }
  for (uint32_t i = 0; i < n; ++i) outputs.push_back(2 * (1 + i));
  const auto words = encode(n, {{2, 0x6, fanins}}, outputs);
  const Program program = parse(words);
  CHECK(schedule(program, 0).n_slots > 1u << 16);
  Random random(4);
  const std::vector<uint8_t> bits = random.bits(n);
  for (const Kernels* k : variants()) {
    CAPTURE(k->name);
    CHECK(run_bits(*k, program, bytes_source(program, bits), 1, 1) ==
          reference::outputs(words, bits.data()));
  }
}

TEST_CASE("many outputs, of which some are constant or the same") {
  Random random(5);
  std::vector<uint32_t> outputs;
  for (uint32_t i = 0; i < 3000; ++i) outputs.push_back(random.below(2 * 24));
  check_run(encode(20, {{2, 0x2, {1, 2, 20, 3}}, {1, 0x1, {21}}}, outputs));
}

TEST_CASE("outputs of groups: constants are not evaluated, what is shared has no line of its own") {
  // Wire 3 is read by a gate and twice as an output; wires 4 and 5 are outputs alone.
  const auto words =
      encode(2, {{2, 0x8, {1, 2}}, {2, 0x6, {3, 1, 3, 2}}}, {0, 1, 1, 6, 6, 8, 10, 2, 3, 1, 0, 0});
  const Schedule ready = schedule(parse(words), 2);
  CHECK(ready.ones == std::vector<uint32_t>{2, 1});
  REQUIRE(ready.sections.size() == 1);
  CHECK(ready.sections[0].lines == 3);  // wires 4 and 5, and a complement that comes alone
  uint32_t gates = 0;
  for (const Step& step : ready.steps) gates += step.count;
  CHECK(gates == 4);
}

TEST_CASE("a gate with one reader becomes part of it") {
  // 4 = 1 & 2 is read by 5 = 4 ^ 3 alone, which two others read.
  const auto words =
      encode(3, {{2, 0x8, {1, 2}}, {2, 0x6, {4, 3}}, {2, 0x1, {5, 1, 5, 2}}}, {12, 14});
  const Schedule ready = schedule(parse(words), 0);
  REQUIRE(ready.main_steps() == 1);
  CHECK(ready.steps[0].op == fused(0, 0x6));
  check_run(words);
}

TEST_CASE("many small groups of complements stay in small sections") {
  // Every output is an input's complement, alone in its group.
  std::vector<uint32_t> outputs;
  for (uint32_t i = 0; i < 20000; ++i) outputs.push_back(2 * (1 + i % 40) + 1);
  const Program program = parse(encode(40, {}, outputs));
  const Schedule ready = schedule(program, 20000);
  for (const Section& section : ready.sections) CHECK(section.lines <= kSectionLines);
  CHECK(ready.n_slots < 2 * kSectionLines);
}
