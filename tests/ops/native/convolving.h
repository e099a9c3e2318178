// Layers of trees over windows: random ones, and their runs by each variant of the kernels.
#pragma once
#include "convolution.h"
#include "pool.h"
#include "reference.h"
#include "testing.h"

namespace lgnx::testing {

inline WindowAttributes attributes(const reference::Windows& windows) {
  WindowAttributes a(windows.kernel_shape);
  a.strides = windows.strides;
  a.pads = windows.pads;
  a.dilations = windows.dilations;
  a.output_padding = windows.output_padding;
  return a;
}

struct Convolving {
  reference::Windows windows;
  int64_t batch = 1, channels = 1;
  std::vector<int64_t> sizes;
  Trees trees;
  std::vector<uint8_t> x;

  bool has_outputs() const {
    for (size_t a = 0; a < sizes.size(); ++a)
      if (windows.extent(sizes[a], a) < 1) return false;
    return true;
  }

  void check() const {
    check_entries(attributes(windows));
    (windows.transposed ? check_spread : check_slide)(attributes(windows), sizes);
  }

  std::vector<uint8_t> expected() const {
    return reference::convolution(windows, x, batch, channels, sizes, trees.indices, trees.tables,
                                  trees.n, trees.k, trees.depth);
  }

  std::vector<uint8_t> run(const Kernels& k) const {
    const TreeGroups groups = group_trees(trees);
    const Convolution convolution(groups, attributes(windows), windows.transposed, channels, sizes);
    std::vector<uint8_t> y(
        static_cast<size_t>(batch * trees.n *
                            reference::product(reference::extents(windows, sizes))),
        7);
    convolution.run(k, x.data(), batch, y.data(),
                    [](size_t n, const std::function<void(size_t)>& work) {
                      for (size_t i = n; i-- > 0;) work(i);  // in any order
                    });
    return y;
  }
};

// Trees over the bits of a window of so many.
inline Trees random_trees(Random& random, int64_t n, int64_t k, int64_t depth, int64_t width) {
  Trees trees;
  trees.n = n;
  trees.k = k;
  trees.depth = depth;
  int64_t leaves = 1;
  for (int64_t i = 0; i < depth; ++i) leaves *= k;
  for (int64_t i = 0; i < n * leaves; ++i)
    trees.indices.push_back(random.below(static_cast<uint64_t>(width)));
  for (int64_t i = 0; i < n * trees.nodes() * trees.table_bytes(); ++i)
    trees.tables.push_back(static_cast<uint8_t>(random.word()));
  return trees;
}

// Windows with outputs along d axes, for sizes up to `largest`.
inline Convolving random_windows(Random& random, size_t d, uint32_t largest, bool transposed) {
  Convolving layer;
  do {
    reference::Windows& w = layer.windows = {};
    w.transposed = transposed;
    layer.sizes.clear();
    for (size_t a = 0; a < d; ++a) {
      w.kernel_shape.push_back(1 + random.below(4));
      w.strides.push_back(random.below(2) ? 1 : 1 + random.below(4));
      w.dilations.push_back(random.below(2) ? 1 : 1 + random.below(3));
      w.output_padding.push_back(transposed ? random.below(static_cast<uint64_t>(w.strides[a]))
                                            : 0);
      layer.sizes.push_back(1 + random.below(largest));
    }
    for (size_t i = 0; i < 2 * d; ++i)
      w.pads.push_back(random.below(transposed ? static_cast<uint64_t>(w.reach(i % d)) + 1 : 4));
  } while (!layer.has_outputs());
  return layer;
}

}  // namespace lgnx::testing
