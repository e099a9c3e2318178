// The gate loop: every function of two inputs, alone and one behind another, and tables of three to
// six inputs, on lines of every length.
#include <doctest/doctest.h>

#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// Every variant and length of lines, on samples that count through all inputs, for as many samples
// as a block of that length has and a few more.
void check_all_inputs(const std::vector<uint32_t>& words) {
  const Program program = parse(words);
  const uint32_t n = program.n_inputs;
  for (size_t line : kLineWords) {
    const uint64_t batch = 64 * line + 3;
    std::vector<uint8_t> bits, want;
    for (uint64_t s = 0; s < batch; ++s) {
      for (uint32_t i = 0; i < n; ++i) bits.push_back(s >> i & 1);
      const auto row = reference::outputs(words, bits.data() + s * n);
      want.insert(want.end(), row.begin(), row.end());
    }
    for (const Kernels* k : variants()) {
      CAPTURE(k->name);
      CAPTURE(line);
      CHECK(run_bits(*k, program, bytes_source(program, bits), batch, line) == want);
    }
  }
}

}  // namespace

TEST_CASE("all functions of one and two inputs") {
  std::vector<Gates> runs;
  std::vector<uint32_t> outputs;
  uint32_t wire = 3;
  for (uint64_t table = 0; table < 16; ++table) {
    runs.push_back({2, table, {1, 2, 2, 1, 1, 1, 0, 2, 1, 0}});
    wire += 5;
  }
  for (uint64_t table = 0; table < 4; ++table) {
    runs.push_back({1, table, {1, 2, 0}});
    wire += 3;
  }
  for (uint32_t literal = 0; literal < 2 * wire; ++literal) outputs.push_back(literal);
  check_all_inputs(encode(2, runs, outputs));
}

TEST_CASE("every function behind every function") {
  // A gate that only one other reads may be evaluated together with it.
  for (uint64_t inner = 0; inner < 16; ++inner) {
    std::vector<uint32_t> inner_fanins, outputs;
    std::vector<Gates> runs(1);
    for (uint32_t outer = 0; outer < 16; ++outer) {
      inner_fanins.insert(inner_fanins.end(), {1, 2, 2, 1, 1, 3});
      const uint32_t at = 4 + 3 * outer;
      runs.push_back({2, outer, {at, 3, 3, at + 1, at + 2, at + 2}});
    }
    runs[0] = {2, inner, inner_fanins};
    for (uint32_t i = 0; i < 48; ++i) outputs.push_back(2 * (4 + 48 + i) + i % 2);
    check_all_inputs(encode(3, runs, outputs));
  }
}

TEST_CASE("tables of three to six inputs") {
  Random random(6);
  for (uint32_t k = 3; k <= 6; ++k) {
    std::vector<Gates> runs;
    std::vector<uint32_t> outputs;
    std::vector<uint64_t> tables = {0, table_mask(k)};
    for (uint32_t i = 0; i < k; ++i) tables.push_back(uint64_t{1} << random.below(1u << k));
    for (int i = 0; i < 6; ++i) tables.push_back(random.word() & table_mask(k));
    for (uint64_t table : tables) {
      Gates run{k, table, {}};
      for (uint32_t i = 0; i < k; ++i) run.fanins.push_back(1 + i);
      for (uint32_t i = 0; i < k; ++i) run.fanins.push_back(random.below(k + 1));
      runs.push_back(run);
    }
    for (uint32_t wire = 0; wire < 1 + k + 2 * tables.size(); ++wire)
      outputs.push_back(2 * wire + wire % 2);
    check_all_inputs(encode(k, runs, outputs));
  }
}

TEST_CASE("random programs") {
  Random random(7);
  for (int i = 0; i < 30; ++i)
    check_all_inputs(random_program(random, random.below(20), random.below(12),
                                    1 + random.below(130), 1, i % 2 ? 2 : 6));
}
