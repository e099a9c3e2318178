// Vertical counters: carry-save adders sixteen lines at a time (Warren, Hacker's Delight, section
// 5-2, after Harley and Seal).
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

constexpr size_t kMaxPlanes = 32;

template <class V>
struct Counter {
  V plane[kMaxPlanes];
  size_t n_planes;

  static void add(V& high, V& low, V a, V b) {
    const V both = low ^ a;
    high = (low & a) | (both & b);
    low = both ^ b;
  }

  void ripple(V carry, size_t from) {
    for (size_t d = from; d < n_planes; ++d) {
      const V old = plane[d];
      plane[d] = old ^ carry;
      carry = old & carry;
    }
  }

  // Adds the lines of the slots, or their complements.
  template <bool Complement, size_t Stride>
  void lines(const uint32_t* slots, size_t n, const V* base) {
    const auto line = [&](size_t i) __attribute__((always_inline)) {
      const V value = base[size_t{slots[i]} * Stride];
      return Complement ? ~value : value;
    };
    size_t i = 0;
    if (n_planes > 4) {
      V ones = plane[0], twos = plane[1], fours = plane[2], eights = plane[3];
      for (; i + 16 <= n; i += 16) {
        V two_a, two_b, four_a, four_b, eight_a, eight_b, sixteen;
        add(two_a, ones, line(i), line(i + 1));
        add(two_b, ones, line(i + 2), line(i + 3));
        add(four_a, twos, two_a, two_b);
        add(two_a, ones, line(i + 4), line(i + 5));
        add(two_b, ones, line(i + 6), line(i + 7));
        add(four_b, twos, two_a, two_b);
        add(eight_a, fours, four_a, four_b);
        add(two_a, ones, line(i + 8), line(i + 9));
        add(two_b, ones, line(i + 10), line(i + 11));
        add(four_a, twos, two_a, two_b);
        add(two_a, ones, line(i + 12), line(i + 13));
        add(two_b, ones, line(i + 14), line(i + 15));
        add(four_b, twos, two_a, two_b);
        add(eight_b, fours, four_a, four_b);
        add(sixteen, eights, eight_a, eight_b);
        ripple(sixteen, 4);
      }
      plane[0] = ones, plane[1] = twos, plane[2] = fours, plane[3] = eights;
    }
    for (; i + 2 <= n && n_planes > 1; i += 2) {
      V two;
      add(two, plane[0], line(i), line(i + 1));
      ripple(two, 1);
    }
    for (; i < n; ++i) ripple(line(i), 0);
  }
};

template <size_t Words>
void count_lanes(const uint32_t* slots, size_t n, const uint32_t* complements, size_t n_complements,
                 const uint64_t* lines, uint64_t* planes, size_t n_planes) {
  constexpr size_t kLanes = lanes_of(Words);
  typedef Vector<kLanes> V;
  constexpr size_t kParts = kLanes * 8 / sizeof(V), kStride = Words * 8 / sizeof(V);
  const V* base = reinterpret_cast<const V*>(lines);
  Counter<V> counters[kParts];
  for (Counter<V>& counter : counters) {
    counter.n_planes = n_planes;
    for (size_t d = 0; d < n_planes; ++d) counter.plane[d] = V{};
  }
  // So many lines that they are still in the first-level cache for the next part of them.
  constexpr size_t kChunk = 128;
  for (size_t i = 0; i < n; i += kChunk)
    for (size_t part = 0; part < kParts; ++part)
      counters[part].template lines<false, kStride>(slots + i, n - i < kChunk ? n - i : kChunk,
                                                    base + part);
  for (size_t i = 0; i < n_complements; i += kChunk)
    for (size_t part = 0; part < kParts; ++part)
      counters[part].template lines<true, kStride>(
          complements + i, n_complements - i < kChunk ? n_complements - i : kChunk, base + part);
  V* target = reinterpret_cast<V*>(planes);
  for (size_t part = 0; part < kParts; ++part)
    for (size_t d = 0; d < n_planes; ++d) target[d * kParts + part] = counters[part].plane[d];
}

void count(const uint32_t* slots, size_t n, const uint32_t* complements, size_t n_complements,
           const uint64_t* lines, size_t words, size_t lane, uint64_t* planes, size_t n_planes) {
  lines += lane;
  switch (words) {
    case 1:
      return count_lanes<1>(slots, n, complements, n_complements, lines, planes, n_planes);
    case 4:
      return count_lanes<4>(slots, n, complements, n_complements, lines, planes, n_planes);
    case 8:
      return count_lanes<8>(slots, n, complements, n_complements, lines, planes, n_planes);
    default:
      return count_lanes<16>(slots, n, complements, n_complements, lines, planes, n_planes);
  }
}

}  // namespace
}  // namespace lgnx
