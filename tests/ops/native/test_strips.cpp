// Strips: from bytes, shifted, and to bytes, in memory of exactly their size.
#include <doctest/doctest.h>

#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// The places of a box, as bits and bytes.
template <class Visit>
void each_place(const Box& box, Visit&& visit) {
  for (uint64_t i = 0; i < box.count[0]; ++i)
    for (uint64_t j = 0; j < box.count[1]; ++j)
      for (uint64_t l = 0; l < box.count[2]; ++l)
        visit(box.bit + i * box.bit_step[0] + j * box.bit_step[1] + l,
              box.byte + i * box.byte_step[0] + j * box.byte_step[1] + l * box.byte_step[2]);
}

// Rows on a grid and in bytes, each with gaps or without.
Box random_box(Random& random, uint64_t* bits, uint64_t* bytes) {
  Box box;
  const uint64_t step = 1 + random.below(2) * random.below(4);
  box.count[2] = 1 + random.below(150);
  box.count[1] = 1 + random.below(3);
  box.count[0] = 1 + random.below(3);
  box.byte_step[2] = step;
  box.bit_step[1] = box.count[2] + random.below(5);
  box.bit_step[0] = box.count[1] * box.bit_step[1] + random.below(5);
  box.byte_step[1] = (box.count[2] - 1) * step + 1 + random.below(5);
  box.byte_step[0] = box.count[1] * box.byte_step[1] + random.below(5);
  box.bit = random.below(70);
  box.byte = random.below(9);
  *bits = *bytes = 0;
  each_place(box, [&](uint64_t bit, uint64_t byte) {
    *bits = std::max(*bits, bit + 1);
    *bytes = std::max(*bytes, byte + 1);
  });
  return box;
}

// A row of `bits` that fills its channel.
Box whole_box(uint64_t bits) {
  Box box;
  box.count[2] = bits;
  return box;
}

bool bit_at(const std::vector<uint64_t>& words, uint64_t at) {
  return words[at / 64] >> at % 64 & 1;
}

void check_pack(Random& random, const Box& box, uint64_t bits, uint64_t bytes, size_t n,
                uint64_t at) {
  const size_t strip_words = (at + bits + 63) / 64;
  const std::vector<uint8_t> x = random.bits(n * bytes);
  std::vector<uint64_t> want(n * strip_words, 0);
  for (size_t s = 0; s < n; ++s)
    each_place(box, [&](uint64_t bit, uint64_t byte) {
      const uint64_t to = 64 * s * strip_words + at + bit;
      want[to / 64] |= uint64_t{x[s * bytes + byte] != 0} << to % 64;
    });
  for (const Kernels* k : variants()) {
    std::vector<uint64_t> strips(n * strip_words, 0);
    k->pack_strips(x.data(), x.data() + x.size(), bytes, box, n, strips.data(), strip_words, at);
    CAPTURE(k->name);
    CHECK(strips == want);
  }
}

void check_unpack(Random& random, const Box& box, uint64_t bits, uint64_t bytes, size_t n,
                  uint64_t from, uint64_t to, uint64_t at) {
  const size_t words = (at + (to < bits ? to : bits) - from + 63) / 64;
  std::vector<uint64_t> lines(n * words);
  for (uint64_t& word : lines) word = random.word();
  std::vector<uint8_t> want(n * bytes, 7);
  for (size_t l = 0; l < n; ++l)
    each_place(box, [&](uint64_t bit, uint64_t byte) {
      if (bit >= from && bit < to)
        want[l * bytes + byte] = bit_at(lines, 64 * l * words + at + bit - from);
    });
  for (const Kernels* k : variants()) {
    std::vector<uint8_t> y(n * bytes, 7);
    k->unpack_strips(lines.data(), words, n, box, from, to, at, y.data(), bytes);
    CAPTURE(k->name);
    CHECK(y == want);
  }
}

}  // namespace

TEST_CASE("boxes of bytes become bits, and bits bytes") {
  Random random(51);
  for (int i = 0; i < 300; ++i) {
    uint64_t bits, bytes;
    const Box box = random_box(random, &bits, &bytes);
    const size_t n = 1 + random.below(4);
    check_pack(random, box, bits, bytes, n, random.below(130));
    check_unpack(random, box, bits, bytes, n, 0, bits, random.below(130));
    const uint64_t from = random.below(bits);
    check_unpack(random, box, bits, bytes, n, from, from + 1 + random.below(bits - from), 0);
  }
}

TEST_CASE("whole channels become bits, and bits bytes") {
  Random random(52);
  for (uint64_t bits : {1, 2, 3, 4, 7, 8, 16, 31, 32, 49, 64, 65, 128, 196, 256})
    for (size_t n : {1, 2, 3, 4, 9, 16, 33})
      for (uint64_t at : {uint64_t{0}, bits, 3 * bits, uint64_t{64}, uint64_t{5}}) {
        CAPTURE(bits);
        CAPTURE(n);
        CAPTURE(at);
        check_pack(random, whole_box(bits), bits, bits, n, at);
        check_unpack(random, whole_box(bits), bits, bits, n, 0, bits, at);
      }
}

TEST_CASE("strips are shifted by any number of bits, and masked") {
  Random random(53);
  for (size_t words : kLineWords)
    for (int i = 0; i < 60; ++i) {
      const size_t n_strips = 3, strip_words = words + random.below(3), guard = 4;
      std::vector<uint64_t> memory(2 * guard + n_strips * strip_words + words);
      for (uint64_t& word : memory) word = random.word();
      std::vector<uint64_t> masks(3 * words);
      for (uint64_t& word : masks) word = random.word();
      std::vector<Reading> readings;
      for (int r = 0; r < 5; ++r)
        readings.push_back(
            {static_cast<int64_t>(random.below(385)) - 192, uint64_t{words} * random.below(3)});
      readings.push_back({64, 0});
      std::vector<Tap> taps;
      for (uint32_t t = 0; t < 9; ++t) taps.push_back({t % 3, random.below(6), 1 + t});
      const uint64_t at = 64 * random.below(2);
      for (const Kernels* k : variants()) {
        Words lines(10 * words);
        k->shift_strips({memory.data() + guard, strip_words, at, readings.data(), masks.data()},
                        taps.data(), taps.size(), lines.data(), words);
        CAPTURE(k->name);
        for (const Tap& tap : taps)
          for (uint64_t bit = 0; bit < 64 * words; ++bit) {
            const Reading& reading = readings[tap.reading];
            const uint64_t from = 64 * (guard + tap.strip * strip_words) + at + bit +
                                  static_cast<uint64_t>(reading.offset);
            const bool want = bit_at(memory, from) && bit_at(masks, 64 * reading.mask + bit);
            REQUIRE((lines[tap.slot * words + bit / 64] >> bit % 64 & 1) == want);
          }
      }
    }
}
