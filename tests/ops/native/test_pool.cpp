// OR over windows against the plainest one.
#include <doctest/doctest.h>

#include "convolving.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

void check_pooling(Random& random, const Convolving& layer, int64_t n) {
  const std::vector<uint8_t> x =
      random.bits(static_cast<size_t>(n * reference::product(layer.sizes)));
  const Pool pool(attributes(layer.windows), layer.sizes);
  CHECK(pool.extents() == reference::extents(layer.windows, layer.sizes));
  const std::vector<uint8_t> want = reference::pool(layer.windows, x, n, layer.sizes);
  for (const Kernels* k : variants()) {
    std::vector<uint8_t> y(want.size(), 7);
    pool.run(*k, x.data(), static_cast<size_t>(n), y.data());
    CAPTURE(k->name);
    CAPTURE(layer.sizes.size());
    CAPTURE(layer.sizes.back());
    CHECK(y == want);
  }
}

}  // namespace

TEST_CASE("windows of any kind are pooled") {
  Random random(41);
  for (int i = 0; i < 300; ++i) {
    const size_t d = 1 + i % 3;
    Convolving layer = random_windows(random, d, d == 1 ? 100 : 12, false);
    layer.windows.dilations.assign(d, 1);
    for (size_t a = 0; a < 2 * d; ++a) layer.windows.pads[a] %= layer.windows.kernel_shape[a % d];
    if (layer.has_outputs()) check_pooling(random, layer, 1 + random.below(9));
  }
}

TEST_CASE("pairs of every width are pooled") {
  Random random(42);
  for (int64_t width : {2, 4, 8, 16, 32, 64, 96, 6, 10, 34})
    for (int64_t height : {2, 4, 6, 7}) {
      Convolving layer;
      layer.sizes = {height, width};
      layer.windows.kernel_shape = layer.windows.strides = {2, 2};
      layer.windows.dilations = {1, 1};
      layer.windows.pads = {0, 0, 0, 0};
      layer.windows.output_padding = {0, 0};
      for (int64_t n : {0, 1, 3, 300}) check_pooling(random, layer, n);
    }
}

TEST_CASE("windows with much padding touch nothing else") {
  Random random(43);
  Convolving layer;
  layer.sizes = {2, 3};
  layer.windows.kernel_shape = {40, 50};
  layer.windows.strides = {3, 1};
  layer.windows.dilations = {1, 1};
  layer.windows.pads = {39, 0, 20, 49};
  layer.windows.output_padding = {0, 0};
  check_pooling(random, layer, 5);
}
