#include "pool.h"

#include <algorithm>

#include "scratch.h"

namespace lgnx {
namespace {

// What is between two axes should stay in the first cache.
constexpr size_t kBytesTogether = 1 << 14;
constexpr size_t kBytesOfWork = 1 << 18;

}  // namespace

Pool::Pool(const WindowAttributes& a, const std::vector<int64_t>& sizes) {
  const size_t d = a.axes();
  std::vector<size_t> now, order;
  for (size_t i = 0; i < d; ++i) {
    extents_.push_back(slide_extent(sizes[i], a, i));
    now.push_back(static_cast<size_t>(sizes[i]));
    in_ *= now[i];
    out_ *= static_cast<size_t>(extents_[i]);
    order.push_back(i);
  }
  // First what leaves the fewest bytes.
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) {
    return extents_[i] * sizes[j] < extents_[j] * sizes[i];
  });
  for (size_t i : order) {
    const PoolAxis axis = {now[i], static_cast<size_t>(extents_[i]),
                           static_cast<size_t>(a.kernel_shape[i]),
                           static_cast<size_t>(a.strides[i]), static_cast<size_t>(a.pads[i])};
    now[i] = axis.extent;
    if (axis.kernel == 1 && axis.stride == 1 && (i != order.back() || !stages_.empty())) continue;
    Stage stage{axis, 1, 1};
    for (size_t j = 0; j < d; ++j) (j < i ? stage.outer : stage.inner) *= j == i ? 1 : now[j];
    stages_.push_back(stage);
    largest_ = std::max(largest_, stage.size());
  }
}

size_t Pool::channels_together() const {
  return std::max<size_t>(1, kBytesOfWork / std::max(in_, largest_));
}

void Pool::run(const Kernels& k, const uint8_t* x, size_t n, uint8_t* y) const {
  const size_t each = std::max<size_t>(1, kBytesTogether / std::max(in_, largest_));
  for (size_t first = 0; first < n; first += each)
    run_some(k, x + first * in_, std::min(each, n - first), y + first * out_);
}

void Pool::run_some(const Kernels& k, const uint8_t* x, size_t n, uint8_t* y) const {
  const size_t words = (n * largest_ + 7) / 8;
  uint64_t* between[2] = {nullptr, nullptr};
  if (stages_.size() > 1) between[0] = scratch(Scratch::kLines, words);
  if (stages_.size() > 2) between[1] = scratch(Scratch::kTiles, words);
  for (size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    auto* to = i + 1 == stages_.size() ? y : reinterpret_cast<uint8_t*>(between[i % 2]);
    k.or_axis(x, n * stage.outer, stage.axis, stage.inner, to);
    x = to;
  }
  k.ones(y, n * out_);
}

}  // namespace lgnx
