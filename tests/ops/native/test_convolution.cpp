// Convolutions of every shape against the plainest ones.
#include <doctest/doctest.h>

#include "convolving.h"
#include "error.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

void check_layer(const Convolving& layer) {
  const std::vector<uint8_t> want = layer.expected();
  for (const Kernels* k : variants()) {
    CAPTURE(k->name);
    CAPTURE(layer.batch);
    CAPTURE(layer.sizes.size());
    CAPTURE(layer.sizes[0]);
    CAPTURE(layer.sizes.back());
    CHECK(layer.run(*k) == want);
  }
}

// x and trees of a layer that has windows and sizes.
void fill(Random& random, Convolving& layer, int64_t batch, int64_t channels, int64_t trees,
          int64_t k, int64_t depth) {
  layer.batch = batch;
  layer.channels = channels;
  layer.x = random.bits(static_cast<size_t>(batch * channels * reference::product(layer.sizes)));
  layer.trees = random_trees(random, trees, k, depth,
                             channels * reference::product(layer.windows.kernel_shape));
}

Convolving same(const std::vector<int64_t>& sizes, int64_t side) {
  Convolving layer;
  const size_t d = sizes.size();
  layer.sizes = sizes;
  layer.windows.kernel_shape.assign(d, side);
  layer.windows.strides = layer.windows.dilations = std::vector<int64_t>(d, 1);
  layer.windows.output_padding.assign(d, 0);
  layer.windows.pads.assign(2 * d, side / 2);
  return layer;
}

}  // namespace

TEST_CASE("windows of any kind") {
  Random random(31);
  for (int i = 0; i < 240; ++i) {
    const size_t d = 1 + i % 3;
    const uint32_t largest = d == 1 ? 150 : d == 2 ? 14 : 6;
    Convolving layer = random_windows(random, d, largest, i / 3 % 2);
    fill(random, layer, 1 + random.below(5), 1 + random.below(3), 1 + random.below(4),
         1 + random.below(3), 1 + random.below(2));
    check_layer(layer);
  }
}

TEST_CASE("batches of every size, channels of powers of two bits and of others") {
  Random random(32);
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{1}, {4}, {2, 4}, {4, 4}, {4, 8}, {3, 3}, {7, 7}, {8, 8}})
    for (int64_t batch : {0, 1, 4, 15, 63, 64, 65, 130}) {
      Convolving layer = same(sizes, 3);
      fill(random, layer, batch, 3, 5, 2, 2);
      check_layer(layer);
    }
}

TEST_CASE("channels whose bits fill lines, or more than one") {
  Random random(33);
  for (const std::vector<int64_t>& sizes : std::vector<std::vector<int64_t>>{
           {16, 16}, {8, 64}, {24, 24}, {32, 32}, {33, 33}, {1100}, {40, 61}, {11, 12, 13}})
    for (int64_t batch : {1, 2, 5}) {
      Convolving layer = same(sizes, 3);
      fill(random, layer, batch, 2, 3, 2, 1);
      check_layer(layer);
      layer.windows.transposed = true;
      layer.windows.strides[0] = 2;
      check_layer(layer);
    }
}

TEST_CASE("windows as large as x, and steps larger than windows") {
  Random random(34);
  for (int64_t side : {5, 9, 20}) {
    Convolving layer = same({side, side}, side);
    layer.windows.pads.assign(4, 0);
    fill(random, layer, 9, 2, 4, 2, 3);
    check_layer(layer);
    layer.windows.pads = {1, 0, 0, 2};
    check_layer(layer);
    layer = same({side + 2, side}, 2);
    layer.windows.strides = {7, 3};
    fill(random, layer, 9, 2, 4, 4, 1);
    check_layer(layer);
    layer.windows.transposed = true;
    layer.windows.strides = {5, 3};
    layer.windows.output_padding = {4, 1};
    check_layer(layer);
  }
}

TEST_CASE("many trees, wide tables, and few of many channels") {
  Random random(35);
  Convolving layer = same({6, 5}, 3);
  fill(random, layer, 3, 4, 300, 2, 3);
  check_layer(layer);
  for (int64_t k : {7, 11, 16}) {
    fill(random, layer, 2, 4, 3, k, 1);
    check_layer(layer);
  }
  fill(random, layer, 2, 4, 2, 8, 2);
  check_layer(layer);
  fill(random, layer, 70, 40, 3, 2, 2);
  check_layer(layer);
}

TEST_CASE("an x without bits gives zeros as leaves") {
  Random random(36);
  Convolving layer = same({0, 3}, 3);
  fill(random, layer, 3, 2, 4, 2, 2);
  layer.windows.pads = {2, 1, 2, 1};
  check_layer(layer);
}

TEST_CASE("what would take too much memory is refused") {
  Random random(37);
  const auto refusal = [&](Convolving layer) -> std::string {
    layer.trees = random_trees(random, 2, 2, 1, reference::product(layer.windows.kernel_shape));
    layer.batch = 0;
    try {
      layer.check();
      const TreeGroups groups = group_trees(layer.trees);
      Convolution(groups, attributes(layer.windows), layer.windows.transposed, 1, layer.sizes);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refusal(same({1 << 20, 1 << 20}, 1)) ==
        "output y: has 1048576 x 1048576 positions on a grid of 1048576 x 1048576, neither must "
        "be more than 4294967296");
  Convolving layer = same({3, 3, 3}, 1);
  layer.windows.transposed = true;
  layer.windows.strides = {400, 400, 400};
  layer.windows.output_padding = {0, 0, 0};
  CHECK(refusal(layer) ==
        "attribute strides: give 64000000 windows of 1 bits that differ, together must not be more "
        "than 16777216");
}
