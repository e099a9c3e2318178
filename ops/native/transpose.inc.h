// Transposition of 64 x 64 bits by swapping ever smaller squares (Warren, Hacker's Delight, section
// 7-3), the tiles of all lanes at once.
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

// Swaps the upper half of each group of bits in `a` with the lower half of that in `b`.
template <unsigned Width, class V>
inline void swap_halves(V& a, V& b) {
  constexpr uint64_t kMask = ~uint64_t{0} / ((uint64_t{1} << Width) + 1);
  const V swapped = ((a >> Width) ^ b) & kMask;
  a ^= swapped << Width;
  b ^= swapped;
}

// Three halvings of eight rows that lie `Step` apart.
template <unsigned Step, class V>
inline void swap_eight(V* rows, size_t stride) {
  V r[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) r[i] = rows[i * Step * stride];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) swap_halves<4 * Step>(r[i], r[i + 4]);
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i)
    swap_halves<2 * Step>(r[i / 2 * 4 + i % 2], r[i / 2 * 4 + i % 2 + 2]);
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) swap_halves<Step>(r[2 * i], r[2 * i + 1]);
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) rows[i * Step * stride] = r[i];
}

template <size_t Lanes>
void transpose_lanes(uint64_t* tile) {
  typedef Vector<Lanes> V;
  constexpr size_t kParts = Lanes * 8 / sizeof(V);
  V* rows = reinterpret_cast<V*>(tile);
  for (size_t part = 0; part < kParts; ++part) {
    for (size_t i = 0; i < 8; ++i) swap_eight<8>(rows + i * kParts + part, kParts);
    for (size_t i = 0; i < 8; ++i) swap_eight<1>(rows + 8 * i * kParts + part, kParts);
  }
}

void transpose(uint64_t* tile, size_t lanes) {
  switch (lanes) {
    case 1:
      return transpose_lanes<1>(tile);
    case 4:
      return transpose_lanes<4>(tile);
    default:
      return transpose_lanes<8>(tile);
  }
}

}  // namespace
}  // namespace lgnx
