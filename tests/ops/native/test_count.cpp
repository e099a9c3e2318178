// Counts of ones by carry-save adders, for every number of lines around their steps.
#include <doctest/doctest.h>

#include <numeric>

#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// The counts of all samples of a block over the first `plain` lines and the complements of the
// others.
std::vector<uint32_t> count(const Kernels& k, Words& lines, size_t plain, size_t words,
                            size_t n_planes) {
  const size_t n = lines.size() / words, lanes = lanes_of(words);
  std::vector<uint32_t> slots(n), result;
  std::iota(slots.begin(), slots.end(), 0);
  for (size_t lane = 0; lane < words; lane += lanes) {
    Words planes(n_planes * lanes);
    k.count(slots.data(), plain, slots.data() + plain, n - plain, lines.data(), words, lane,
            planes.data(), n_planes);
    for (size_t s = 0; s < 64 * lanes; ++s) {
      uint64_t sum = 0;
      for (size_t d = 0; d < n_planes; ++d) sum |= (planes[d * lanes + s / 64] >> s % 64 & 1) << d;
      result.push_back(static_cast<uint32_t>(sum));
    }
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
      Words lines(n * words);
      for (uint64_t& word : lines) word = random.word();
      const size_t plain = random.below(n + 1);
      std::vector<uint32_t> want(64 * words, 0);
      for (size_t i = 0; i < n; ++i)
        for (size_t s = 0; s < 64 * words; ++s)
          want[s] += (lines[i * words + s / 64] >> s % 64 & 1) ^ (i >= plain);
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
        Words lines(n * words);
        for (uint64_t& word : lines) word = ~uint64_t{0};
        const std::vector<uint32_t> want(64 * words, static_cast<uint32_t>(n));
        CHECK(count(*k, lines, n, words, planes_for(n)) == want);
        CHECK(count(*k, lines, n, words, 32) == want);
      }
}
