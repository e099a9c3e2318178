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

// Three halvings of eight rows that are `Step` apart, and `distance` vectors in memory.
template <unsigned Step, class V>
inline void swap_eight(V* rows, size_t distance) {
  V r[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) r[i] = rows[i * distance];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) swap_halves<4 * Step>(r[i], r[i + 4]);
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i)
    swap_halves<2 * Step>(r[i / 2 * 4 + i % 2], r[i / 2 * 4 + i % 2 + 2]);
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) swap_halves<Step>(r[2 * i], r[2 * i + 1]);
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) rows[i * distance] = r[i];
}

template <size_t Lanes>
void transpose_lanes(uint64_t* tile) {
  typedef Vector<Lanes> V;
  constexpr size_t kParts = Lanes * 8 / sizeof(V);
  V* rows = reinterpret_cast<V*>(tile);
  for (size_t part = 0; part < kParts; ++part) {
    for (size_t i = 0; i < 8; ++i) swap_eight<8>(rows + i * kParts + part, 8 * kParts);
    for (size_t i = 0; i < 8; ++i) swap_eight<1>(rows + 8 * i * kParts + part, kParts);
  }
}

#if defined(__AVX2__)
// The same within vectors of four rows that lie `Step` apart, 1 or 2: each row takes half of its
// bits from the other one of its pair.
template <unsigned Step>
inline __m256i swap_within(__m256i rows) {
  constexpr int64_t kLow = static_cast<int64_t>(~uint64_t{0} / ((uint64_t{1} << Step) + 1));
  constexpr int64_t kHigh = ~kLow;
  const bool pairs = Step == 1;  // rows 0 and 1, 2 and 3; else 0 and 2, 1 and 3
  const __m256i keep = pairs ? _mm256_setr_epi64x(kLow, kHigh, kLow, kHigh)
                             : _mm256_setr_epi64x(kLow, kLow, kHigh, kHigh);
  const __m256i up =
      pairs ? _mm256_setr_epi64x(kHigh, 0, kHigh, 0) : _mm256_setr_epi64x(kHigh, kHigh, 0, 0);
  const __m256i down =
      pairs ? _mm256_setr_epi64x(0, kLow, 0, kLow) : _mm256_setr_epi64x(0, 0, kLow, kLow);
  const __m256i other = _mm256_permute4x64_epi64(rows, pairs ? 0xB1 : 0x4E);
  return _mm256_or_si256(_mm256_and_si256(rows, keep),
                         _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi64(other, Step), up),
                                         _mm256_and_si256(_mm256_srli_epi64(other, Step), down)));
}

// One lane: four rows to a vector.
void transpose_one(uint64_t* tile) {
  typedef typename VectorOf<4>::type V;
  V* rows = reinterpret_cast<V*>(tile);
  for (size_t i = 0; i < 2; ++i) swap_eight<8>(rows + i, 2);
  for (size_t i = 0; i < 16; i += 2) {
    swap_halves<4>(rows[i], rows[i + 1]);
    for (size_t j = i; j < i + 2; ++j)
      rows[j] = (V)swap_within<1>(swap_within<2>((__m256i)rows[j]));
  }
}
#else
void transpose_one(uint64_t* tile) { transpose_lanes<1>(tile); }
#endif

void transpose(uint64_t* tile, size_t lanes) {
  switch (lanes) {
    case 1:
      return transpose_one(tile);
    case 4:
      return transpose_lanes<4>(tile);
    default:
      return transpose_lanes<8>(tile);
  }
}

}  // namespace
}  // namespace lgnx
