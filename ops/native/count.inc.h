// Vertical counters: carry-save adders sixteen lines at a time (Warren, Hacker's Delight, section
// 5-2, after Harley and Seal).
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

constexpr size_t kMaxPlanes = 32;

// Counts lines of vectors V.
template <class V>
struct Counter {
  V plane[kMaxPlanes];
  size_t n_planes;

  // Bits of low + a + b.
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

  // Adds the vectors load(i), i < n.
  template <class Load>
  void add_all(const Load& load, size_t n) {
    size_t i = 0;
    if (n_planes > 4) {
      V ones = plane[0], twos = plane[1], fours = plane[2], eights = plane[3];
      const auto at = [&](size_t j) __attribute__((always_inline)) { return load(i + j); };
      // The carry of sixteen lines.
      const auto sixteen = [&]() __attribute__((always_inline)) {
        V two_a, two_b, four_a, four_b, eight_a, eight_b, carry;
        add(two_a, ones, at(0), at(1));
        add(two_b, ones, at(2), at(3));
        add(four_a, twos, two_a, two_b);
        add(two_a, ones, at(4), at(5));
        add(two_b, ones, at(6), at(7));
        add(four_b, twos, two_a, two_b);
        add(eight_a, fours, four_a, four_b);
        add(two_a, ones, at(8), at(9));
        add(two_b, ones, at(10), at(11));
        add(four_a, twos, two_a, two_b);
        add(two_a, ones, at(12), at(13));
        add(two_b, ones, at(14), at(15));
        add(four_b, twos, two_a, two_b);
        add(eight_b, fours, four_a, four_b);
        add(carry, eights, eight_a, eight_b);
        i += 16;
        return carry;
      };
      if (n_planes > 6) {
        V sixteens = plane[4], thirty_twos = plane[5];
        while (i + 64 <= n) {
          V thirty_two_a, thirty_two_b, sixty_four;
          V first = sixteen(), second = sixteen();
          add(thirty_two_a, sixteens, first, second);
          first = sixteen(), second = sixteen();
          add(thirty_two_b, sixteens, first, second);
          add(sixty_four, thirty_twos, thirty_two_a, thirty_two_b);
          ripple(sixty_four, 6);
        }
        plane[4] = sixteens, plane[5] = thirty_twos;
      }
      while (i + 16 <= n) ripple(sixteen(), 4);
      plane[0] = ones, plane[1] = twos, plane[2] = fours, plane[3] = eights;
    }
    for (; i + 2 <= n && n_planes > 1; i += 2) {
      V two;
      add(two, plane[0], load(i), load(i + 1));
      ripple(two, 1);
    }
    for (; i < n; ++i) ripple(load(i), 0);
  }
};

// Vector i of the lines of slots[i]; where a vector holds several lines, of as many slots.
template <class V, size_t Words, bool Complement>
struct Lines {
  static constexpr size_t kEach = Words * 8 < sizeof(V) ? Words : sizeof(V) / 8;
  static constexpr size_t kTogether = sizeof(V) / 8 / kEach;
  const uint64_t* lines;
  const uint32_t* slots;

  V operator()(size_t i) const {
    V value;
    for (size_t t = 0; t < kTogether; ++t)
      std::memcpy(reinterpret_cast<char*>(&value) + t * kEach * 8,
                  lines + size_t{slots[i * kTogether + t]} * Words, kEach * 8);
    return Complement ? ~value : value;
  }
};

// Lines that fill one vector or more.
template <size_t Words>
void count_long(const uint32_t* slots, size_t n, size_t n_complements, const uint64_t* lines,
                uint64_t* planes, size_t n_planes) {
  typedef Vector<Words> V;
  constexpr size_t kParts = Words * 8 / sizeof(V);
  V* target = reinterpret_cast<V*>(planes);
  for (size_t part = 0; part < kParts; ++part) {
    const uint64_t* base = lines + part * (sizeof(V) / 8);
    Counter<V> counter;
    counter.n_planes = n_planes;
    for (size_t d = 0; d < n_planes; ++d) counter.plane[d] = target[d * kParts + part];
    counter.add_all(Lines<V, Words, false>{base, slots}, n);
    counter.add_all(Lines<V, Words, true>{base, slots + n}, n_complements);
    for (size_t d = 0; d < n_planes; ++d) target[d * kParts + part] = counter.plane[d];
  }
}

// Shorter lines: as many as fill a vector are counted side by side, then their counts added.
template <size_t Words>
void count_short(const uint32_t* slots, size_t n, size_t n_complements, const uint64_t* lines,
                 uint64_t* planes, size_t n_planes) {
  typedef typename VectorOf<kVectorWords>::type V;
  constexpr size_t kTogether = kVectorWords / Words;
  static_assert(kCountedTogether % kTogether == 0, "whole vectors");
  Counter<V> counter;
  counter.n_planes = n_planes;
  for (size_t d = 0; d < n_planes; ++d) counter.plane[d] = V{};
  counter.add_all(Lines<V, Words, false>{lines, slots}, n / kTogether);
  counter.add_all(Lines<V, Words, true>{lines, slots + n}, n_complements / kTogether);
  for (size_t w = 0; w < kVectorWords; ++w) {
    uint64_t carry = 0;
    for (size_t d = 0; d < n_planes; ++d) {
      const uint64_t a = planes[d * Words + w % Words], b = counter.plane[d][w];
      planes[d * Words + w % Words] = a ^ b ^ carry;
      carry = (a & b) | ((a ^ b) & carry);
    }
  }
}

template <size_t Words>
void count_words(const uint32_t* slots, size_t n, size_t n_complements, const uint64_t* lines,
                 uint64_t* planes, size_t n_planes) {
  if constexpr (Words < kVectorWords)
    count_short<Words>(slots, n, n_complements, lines, planes, n_planes);
  else
    count_long<Words>(slots, n, n_complements, lines, planes, n_planes);
}

void count(const uint32_t* slots, size_t n, size_t n_complements, const uint64_t* lines,
           size_t words, uint64_t* planes, size_t n_planes) {
  switch (words) {
    case 1:
      return count_words<1>(slots, n, n_complements, lines, planes, n_planes);
    case 4:
      return count_words<4>(slots, n, n_complements, lines, planes, n_planes);
    case 8:
      return count_words<8>(slots, n, n_complements, lines, planes, n_planes);
    default:
      return count_words<16>(slots, n, n_complements, lines, planes, n_planes);
  }
}

}  // namespace
}  // namespace lgnx
