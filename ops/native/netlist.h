// The XOR-AND optimiser: constants, polarity, structural hashing, two-level rules, dead nodes.
#pragma once
#include <cstdint>
#include <vector>

namespace lgnx {

enum Kind : uint8_t { kAnd = 0, kXor = 1 };

struct Netlist {
  uint32_t n_inputs = 0;
  std::vector<uint8_t> kinds;
  std::vector<uint32_t> fanins;   // 2 literals a node
  std::vector<uint32_t> outputs;  // literals
};

// Throws Error where a fan-in or output is out of range.
Netlist optimize(uint32_t n_inputs, uint64_t n_nodes, const uint8_t* kinds, const uint32_t* fanins,
                 uint64_t n_outputs, const uint32_t* outputs);

void levels(uint32_t n_inputs, uint64_t n_nodes, const uint32_t* fanins, uint32_t* result);

}  // namespace lgnx
