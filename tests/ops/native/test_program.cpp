// The reader of programs: what it accepts, and what it says of the rest.
#include <doctest/doctest.h>

#include "error.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// The example of docs/network-program.md.
const std::vector<uint32_t> kExample = {kMagic, 1, 2, 1, 1, 2, 2, 0, 2, 1, 2, 0, 1, 2, 6, 3};

// The message about the example with one word changed.
std::string message(size_t at, uint32_t word) {
  std::vector<uint32_t> words = kExample;
  words[at] = word;
  try {
    parse(words);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

std::string message(const std::vector<uint32_t>& words) {
  try {
    parse(words);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a program is read as it is documented") {
  Program program = parse(kExample);
  CHECK(program.n_inputs == 2);
  CHECK(program.n_gates == 1);
  CHECK(program.outputs == std::vector<uint32_t>{6, 3});
  const Program moved = std::move(program);
  REQUIRE(moved.runs.size() == 1);
  CHECK(moved.runs[0].k == 2);
  CHECK(moved.runs[0].count == 1);
  CHECK(moved.runs[0].table == 2);
  CHECK(moved.runs[0].fanins[0] == 1);
  CHECK(moved.runs[0].fanins[1] == 2);
}

TEST_CASE("programs at the limits are accepted") {
  CHECK(message(encode(0, {}, {0, 1})) == "accepted");
  CHECK(message(encode(1u << 24, {}, {2u << 24})) == "accepted");
  CHECK(message(encode(6, {{6, ~uint64_t{0}, {1, 2, 3, 4, 5, 6}}}, {15})) == "accepted");
}

TEST_CASE("the header is checked") {
  CHECK(message(std::vector<uint32_t>{}) == "program, header: 0 words, must be at least 8");
  CHECK(message(std::vector<uint32_t>(7)) == "program, header: 7 words, must be at least 8");
  CHECK(message(0, 1) == "program, magic: is 1, must be 1481525068");
  CHECK(message(1, 2) == "program, version: is 2, this release reads 1");
  CHECK(message(7, 1) == "program, reserved: is 1, must be 0");
  CHECK(message(6, 3) == "program, words: 16 words, the header says 17");
  CHECK(message(4, ~0u) == "program, words: 16 words, the header says 17179869192");
  CHECK(message(5, ~0u) == "program, words: 16 words, the header says 4294967309");
  CHECK(message(2, (1u << 24) + 1) == "program, n_inputs: is 16777217, at most 16777216");
  CHECK(message(3, ~0u) == "program, n_gates: more than 2^31 wires");
  CHECK(message(3, (1u << 31) - 2) == "program, n_gates: more than 2^31 wires");
  CHECK(message(encode(2, {{2, 2, {1, 2}}}, {})) == "program, n_outputs: is 0, must be at least 1");
}

TEST_CASE("the runs are checked") {
  CHECK(message(8, 0) == "program, run 0: k is 0, must be 1 to 6");
  CHECK(message(8, 7) == "program, run 0: k is 7, must be 1 to 6");
  CHECK(message(8, ~0u) == "program, run 0: k is 4294967295, must be 1 to 6");
  CHECK(message(9, 0) == "program, run 0: has no gates, must have at least 1");
  CHECK(message(10, 16) == "program, run 0: its table has bits beyond 2^k");
  CHECK(message(11, 1) == "program, run 0: its table has bits beyond 2^k");
  CHECK(message(8, 3) == "program, run 0: its fan-ins reach beyond n_operands");
  CHECK(message(9, ~0u) == "program, run 0: its fan-ins reach beyond n_operands");
  CHECK(message(8, 1) == "program, n_operands: is 2, the runs use fewer");
  CHECK(message(12, 3) == "program, run 0: reads wire 3, only 3 exist before the run");
  CHECK(message(13, ~0u) == "program, run 0: reads wire 4294967295, only 3 exist before the run");
  CHECK(message(3, 0) == "program, n_gates: is 0, the runs hold more");
  CHECK(message(3, 2) == "program, n_gates: is 2, the runs hold 1");
  // A gate does not read one of its own run.
  CHECK(message(encode(2, {{2, 8, {1, 2}}, {2, 8, {1, 2, 4, 4}}}, {2})) ==
        "program, run 1: reads wire 4, only 4 exist before the run");
}

TEST_CASE("the outputs are checked") {
  CHECK(message(14, 7) == "accepted");
  CHECK(message(14, 8) == "program, outputs: literal 8 is out of range: 4 wires exist");
  CHECK(message(15, ~0u) == "program, outputs: literal 4294967295 is out of range: 4 wires exist");
}

TEST_CASE("a damaged program is refused, or is another valid one") {
  Random random(1);
  uint32_t accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<uint32_t> words =
        random_program(random, 1 + random.below(20), 1 + random.below(4), 1 + random.below(8));
    for (uint32_t m = random.below(4) + 1; m-- > 0;) {
      uint32_t& word = words[random.below(words.size())];
      const uint32_t any = static_cast<uint32_t>(random.word());
      word = random.below(2) ? random.below(64) : random.below(2) ? any : word ^ 1u << any % 32;
    }
    if (random.below(4) == 0) words.resize(random.below(words.size()));
    Program program;
    try {
      program = parse(words);
    } catch (const Error& e) {
      CHECK(std::string(e.what()).rfind("program, ", 0) == 0);
      continue;
    }
    ++accepted;
    if (program.n_inputs > 1u << 16) continue;
    const std::vector<uint8_t> bits = random.bits(program.n_inputs);
    CHECK(run_bits(portable_kernels(), program, bytes_source(program, bits), 1, 1) ==
          reference::outputs(words, bits.data()));
  }
  CHECK(accepted > 100);
}
