// The LogicNetwork program as words (docs/network-program.md), and its validation.
#pragma once
#include <cstdint>
#include <vector>

namespace lgnx {

constexpr uint32_t kMagic = 0x584E474C;
constexpr uint32_t kProgramVersion = 1;
constexpr uint32_t kMaxFanin = 6;

// The bits of a table of k inputs, 1 ... 6.
constexpr uint64_t table_mask(uint32_t k) {
  return k == 6 ? ~uint64_t{0} : (uint64_t{1} << (1u << k)) - 1;
}

struct Run {
  uint32_t k;              // fan-in of every gate, 1 ... 6
  uint32_t count;          // gates
  uint64_t table;          // bit j is the output at address j
  const uint32_t* fanins;  // [count][k] wires
};

struct Program {
  uint32_t n_inputs = 0;
  uint32_t n_gates = 0;
  std::vector<Run> runs;
  std::vector<uint32_t> words;    // owns what the runs point to
  std::vector<uint32_t> outputs;  // literals

  Program() = default;
  Program(Program&&) = default;  // moving a vector keeps its storage, so the runs stay valid
  Program& operator=(Program&&) = default;
  Program(const Program&) = delete;
};

// Parses and checks words; throws Error naming the field at fault.
Program parse_program(const uint32_t* words, uint64_t n_words);

}  // namespace lgnx
