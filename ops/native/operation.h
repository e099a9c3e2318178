// The operations that the engine has a loop for.
#pragma once
#include <cstdint>

namespace lgnx {

// An operation is a number:
//
// - 0 ... 15: the function of two inputs a, b with this truth table;
// - 16 + 16 * i + t: of three inputs, T(G(a, b), c) where t is the table of T and G = kInner[i];
// - kFirstLut + j: table j of Schedule::luts, of three to six inputs.
//
// Functions that differ by the order of their inputs, or that ignore one, come in one form only,
// the one that GateList makes of them: 0x3, 0x4, 0xC and 0xD are never used.
constexpr uint8_t kInner[4] = {0x8, 0x2, 0x1, 0x6};  // AND, a & ~b, NOR, XOR
constexpr uint32_t kFirstFused = 16;
constexpr uint32_t kFirstLut = kFirstFused + 16 * 4;

struct Lut {
  uint32_t k;
  uint64_t table;
};

constexpr uint32_t fused(uint32_t inner, uint32_t outer) {
  return kFirstFused + 16 * inner + outer;
}
constexpr bool is_fused(uint32_t op) { return op >= kFirstFused && op < kFirstLut; }

}  // namespace lgnx
