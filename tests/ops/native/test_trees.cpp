// Groups of trees on lines, for every number of inputs.
#include <doctest/doctest.h>

#include "convolving.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

void check_groups(Random& random, const Trees& trees, int64_t width) {
  for (size_t words : kLineWords) {
    std::vector<std::vector<uint64_t>> bits;
    for (int64_t i = 0; i < width; ++i) {
      bits.emplace_back();
      for (size_t w = 0; w < words; ++w) bits.back().push_back(random.word());
    }
    for (const auto& group : group_trees(trees))
      for (const Kernels* k : variants()) {
        Words lines(group->n_slots * words);
        for (const TreeGroup::Leaf& leaf : group->leaves)
          std::copy_n(bits[leaf.index].begin(), words, lines.data() + leaf.slot * words);
        group->evaluate(*k, lines.data(), words);
        for (int64_t t = 0; t < group->count; ++t)
          for (size_t position : {size_t{0}, size_t{63}, 64 * words - 1}) {
            std::vector<uint8_t> leaves;
            const int64_t tree = group->first + t;
            for (int64_t l = 0; l < trees.leaves(); ++l) {
              const uint32_t index = trees.indices[tree * trees.leaves() + l];
              leaves.push_back(bits[index][position / 64] >> position % 64 & 1);
            }
            const uint64_t line = lines[(group->output_slot + t) * words + position / 64];
            CAPTURE(k->name);
            CAPTURE(trees.k);
            CAPTURE(trees.depth);
            REQUIRE((line >> position % 64 & 1) ==
                    reference::root(
                        leaves, trees.tables.data() + tree * trees.nodes() * trees.table_bytes(),
                        trees.k, trees.depth));
          }
      }
  }
}

}  // namespace

TEST_CASE("trees of every number of inputs and depth") {
  Random random(22);
  for (int64_t k = 1; k <= 16; ++k)
    for (int64_t depth : {1, 2, 3}) {
      if (k > 6 && depth == 3) continue;
      check_groups(random, random_trees(random, 7, k, depth, 30), 30);
    }
  check_groups(random, random_trees(random, 3, 2, 9, 50), 50);
  check_groups(random, random_trees(random, 2, 1, 40, 5), 5);
  check_groups(random, random_trees(random, 1, 7, 3, 9), 9);
}

TEST_CASE("more trees than a group takes") {
  Random random(23);
  for (int64_t n : {64, 65, 700, 1300}) {
    const Trees trees = random_trees(random, n, 2, 2, 200);
    int64_t next = 0;
    for (const auto& group : group_trees(trees)) {
      CHECK(group->first == next);
      CHECK(group->count > 0);
      next += group->count;
    }
    CHECK(next == n);
    check_groups(random, trees, 200);
  }
  check_groups(random, random_trees(random, 150, 7, 1, 20), 20);
}

TEST_CASE("one tree of many leaves") {
  Random random(24);
  check_groups(random, random_trees(random, 1, 2, 13, 3000), 3000);
}

TEST_CASE("the number of inputs follows from leaves and depth") {
  CHECK(fan_in(1, 1) == 1);
  CHECK(fan_in(1, std::numeric_limits<int64_t>::max()) == 1);
  CHECK(fan_in(2, std::numeric_limits<int64_t>::max()) == 0);
  CHECK(fan_in(8, 3) == 2);
  CHECK(fan_in(8, 2) == 0);
  CHECK(fan_in(16, 1) == 16);
  CHECK(fan_in(17, 1) == 0);
  CHECK(fan_in(65536, 4) == 16);
  CHECK(fan_in(65536, 16) == 2);
  CHECK(fan_in(0, 1) == 0);
}
