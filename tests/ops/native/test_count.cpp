// Counts of ones by carry-save adders, for every number of lines around their steps.
#include <doctest/doctest.h>

#include <numeric>

#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// The counts of all samples of a block over the first `plain` lines and the complements of the
// others; line 0 is constant false, as slot 0 is.
std::vector<uint32_t> count(const Kernels& k, Words& lines, size_t plain, size_t words,
                            size_t n_planes) {
  const size_t n = lines.size() / words - 1;
  std::vector<uint32_t> slots(plain), result;
  std::iota(slots.begin(), slots.end(), 1);
  while (slots.size() % kCountedTogether) slots.push_back(0);
  const size_t first = slots.size();
  for (size_t i = plain; i < n; ++i) slots.push_back(static_cast<uint32_t>(1 + i));
  Words planes(n_planes * words);
  k.count(slots.data(), first, n - plain, lines.data(), words, planes.data(), n_planes);
  for (size_t s = 0; s < 64 * words; ++s) {
    uint64_t sum = 0;
    for (size_t d = 0; d < n_planes; ++d) sum |= (planes[d * words + s / 64] >> s % 64 & 1) << d;
    result.push_back(static_cast<uint32_t>(sum));
  }
  return result;
}

size_t planes_for(size_t n) {
  size_t planes = 0;
  while (n >> planes) ++planes;
  return planes;
}

}  // namespace

TEST_CASE("counts of random lines") {
  Random random(10);
  std::vector<size_t> sizes(150);
  std::iota(sizes.begin(), sizes.end(), 1);
  sizes.insert(sizes.end(), {255, 256, 257, 400, 1000, 2048});
  for (size_t words : kLineWords)
    for (size_t n : sizes) {
      Words lines((1 + n) * words);
      for (size_t i = words; i < lines.size(); ++i) lines[i] = random.word();
      const size_t plain = n - random.below(n + 1) / kCountedTogether * kCountedTogether;
      std::vector<uint32_t> want(64 * words, 0);
      for (size_t i = 0; i < n; ++i)
        for (size_t s = 0; s < 64 * words; ++s)
          want[s] += (lines[(1 + i) * words + s / 64] >> s % 64 & 1) ^ (i >= plain);
      for (const Kernels* k : variants()) {
        CAPTURE(k->name);
        CAPTURE(words);
        CAPTURE(n);
        CHECK(count(*k, lines, plain, words, planes_for(n)) == want);
      }
    }
}

TEST_CASE("all lines ones fill every plane") {
  for (const Kernels* k : variants())
    for (size_t words : kLineWords)
      for (size_t n : {1, 2, 3, 15, 16, 31, 63, 64, 127, 255, 511, 1023}) {
        CAPTURE(k->name);
        CAPTURE(words);
        Words lines((1 + n) * words);
        for (size_t i = words; i < lines.size(); ++i) lines[i] = ~uint64_t{0};
        const std::vector<uint32_t> want(64 * words, static_cast<uint32_t>(n));
        CHECK(count(*k, lines, n, words, planes_for(n)) == want);
        CHECK(count(*k, lines, n, words, 32) == want);
      }
}

TEST_CASE("counts are added to those that are there") {
  Random random(11);
  for (const Kernels* k : variants())
    for (size_t words : kLineWords) {
      CAPTURE(k->name);
      CAPTURE(words);
      Words lines(41 * words), planes(7 * words);
      for (size_t i = words; i < lines.size(); ++i) lines[i] = random.word();
      std::vector<uint32_t> slots(40);
      std::iota(slots.begin(), slots.end(), 1);
      for (size_t first : {0, 16})
        k->count(slots.data() + first, first ? 24 : 8, first ? 0 : 8, lines.data(), words,
                 planes.data(), 7);
      for (size_t s = 0; s < 64 * words; ++s) {
        uint64_t want = 0, sum = 0;
        for (size_t i = 0; i < 40; ++i)
          want += (lines[(1 + i) * words + s / 64] >> s % 64 & 1) ^ (i >= 8 && i < 16);
        for (size_t d = 0; d < 7; ++d) sum |= (planes[d * words + s / 64] >> s % 64 & 1) << d;
        REQUIRE(sum == want);
      }
    }
}
