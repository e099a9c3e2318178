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
  template <bool Complement>
  void lines(const uint32_t* slots, size_t n, const V* base, size_t stride) {
    const auto line = [&](size_t i) {
      const V value = base[size_t{slots[i]} * stride];
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
    for (; i < n; ++i) ripple(line(i), 0);
  }
};

template <size_t Lanes>
void count_lanes(const uint32_t* slots, size_t n, const uint32_t* complements, size_t n_complements,
                 const uint64_t* lines, size_t words, uint64_t* planes, size_t n_planes) {
  typedef Vector<Lanes> V;
  constexpr size_t kParts = Lanes * 8 / sizeof(V);
  const size_t stride = words * 8 / sizeof(V);
  for (size_t part = 0; part < kParts; ++part) {
    Counter<V> counter;
    counter.n_planes = n_planes;
    for (size_t d = 0; d < n_planes; ++d) counter.plane[d] = V{};
    const V* base = reinterpret_cast<const V*>(lines) + part;
    counter.template lines<false>(slots, n, base, stride);
    counter.template lines<true>(complements, n_complements, base, stride);
    V* target = reinterpret_cast<V*>(planes) + part;
    for (size_t d = 0; d < n_planes; ++d) target[d * kParts] = counter.plane[d];
  }
}

void count(const uint32_t* slots, size_t n, const uint32_t* complements, size_t n_complements,
           const uint64_t* lines, size_t words, size_t lane, size_t lanes, uint64_t* planes,
           size_t n_planes) {
  lines += lane;
  switch (lanes) {
    case 1:
      return count_lanes<1>(slots, n, complements, n_complements, lines, words, planes, n_planes);
    case 4:
      return count_lanes<4>(slots, n, complements, n_complements, lines, words, planes, n_planes);
    default:
      return count_lanes<8>(slots, n, complements, n_complements, lines, words, planes, n_planes);
  }
}

}  // namespace
}  // namespace lgnx
