// An instance of a module that is verilated apart, and called from the rest of the design through
// DPI: see split.py. Nets come and go as words of 32 bits, the first net lowest.

#pragma once

#include <cstdint>
#include <cstring>

#include "svdpi.h"
#include "verilated.h"

namespace lgnx {

// The module has no memory, so what it gave is given again while the same comes in: most clocks of
// a streaming design bring its later parts nothing new.
template <class Model, unsigned kIn, unsigned kOut>
struct Part {
  bool knows(const svBitVecVal* x, svBitVecVal* y) {
    const bool known = evaluated && !std::memcmp(x, in, sizeof in);
    if (known) std::memcpy(y, out, sizeof out);
    return known;
  }
  void keep(const svBitVecVal* x, const svBitVecVal* y) {
    evaluated = true;
    std::memcpy(in, x, sizeof in);
    std::memcpy(out, y, sizeof out);
  }

  VerilatedContext context;
  Model model{&context};
  bool evaluated = false;
  svBitVecVal in[(kIn + 31) / 32], out[(kOut + 31) / 32];
};

// Bits of a byte as bytes, and back: bit i of the one is bit 8 i of the other.
inline uint64_t spread(uint64_t byte) {
  return ((byte & 0x7F) * 0x0002040810204081u & 0x0101010101010101u) | (byte >> 7) << 56;
}
inline uint64_t gather(uint64_t bytes) { return bytes * 0x0102040810204080u >> 56; }

// To an array of nets, and from one.
inline void put(CData* nets, unsigned count, const svBitVecVal* words) {
  for (unsigned i = 0; i < count; i += 8) {
    const uint64_t bytes = spread(words[i / 32] >> (i % 32) & 0xFF);
    std::memcpy(nets + i, &bytes, count - i < 8 ? count - i : 8);
  }
}
inline void take(const CData* nets, unsigned count, svBitVecVal* words) {
  std::memset(words, 0, (count + 31) / 32 * sizeof *words);
  for (unsigned i = 0; i < count; i += 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, nets + i, count - i < 8 ? count - i : 8);
    words[i / 32] |= svBitVecVal(gather(bytes)) << (i % 32);
  }
}

}  // namespace lgnx
