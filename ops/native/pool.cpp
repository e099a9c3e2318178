#include "pool.h"

#include <algorithm>

#include "scratch.h"

namespace lgnx {
namespace {

constexpr int64_t kBytesTogether = 1 << 16;

}  // namespace

Pool::Pool(const WindowAttributes& a, const std::vector<int64_t>& sizes) {
  const size_t d = a.axes();
  for (size_t i = 0; i < d; ++i) {
    extents_.push_back(slide_extent(sizes[i], a, i));
    axes_[kMaxSpatial - d + i] = {sizes[i],     extents_[i], a.kernel_shape[i],
                                  a.strides[i], a.pads[i],   a.pads[d + i]};
  }
}

size_t Pool::channels_together() const {
  int64_t bytes = 1;
  for (const Axis& axis : axes_) bytes = saturated(bytes, std::max(axis.size, axis.extent));
  return static_cast<size_t>(std::max<int64_t>(1, kBytesTogether / bytes));
}

void Pool::run(const Kernels& k, const uint8_t* x, uint8_t* y, size_t first, size_t last) const {
  const auto volume = [](int64_t a, int64_t b, int64_t c) {
    return static_cast<size_t>(a * b * c);
  };
  const size_t in = volume(axes_[0].size, axes_[1].size, axes_[2].size),
               out = volume(axes_[0].extent, axes_[1].extent, axes_[2].extent);
  const Axis& last_axis = axes_[2];
  const size_t padded = static_cast<size_t>(last_axis.begin + last_axis.size + last_axis.end);
  auto* row = reinterpret_cast<uint8_t*>(scratch(Scratch::kTiles, padded / 8 + 1));
  for (size_t c = first; c < last; ++c) run_channel(k, x + c * in, y + c * out, row);
}

// The rows of a window along the first axes become one row, with its padding.
void Pool::run_channel(const Kernels& k, const uint8_t* x, uint8_t* y, uint8_t* row) const {
  const auto& [outer, middle, inner] = axes_;
  const size_t padded = static_cast<size_t>(inner.begin + inner.size + inner.end);
  const auto range = [](const Axis& axis, int64_t e, int64_t* first, int64_t* last) {
    *first = std::max<int64_t>(0, e * axis.stride - axis.begin);
    *last = std::min(axis.size, e * axis.stride - axis.begin + axis.kernel);
  };
  for (int64_t e = 0; e < outer.extent; ++e)
    for (int64_t f = 0; f < middle.extent; ++f, y += inner.extent) {
      int64_t i_first, i_last, j_first, j_last;
      range(outer, e, &i_first, &i_last);
      range(middle, f, &j_first, &j_last);
      std::fill_n(row, padded, 0);
      for (int64_t i = i_first; i < i_last; ++i)
        for (int64_t j = j_first; j < j_last; ++j)
          k.or_bytes(x + (i * middle.size + j) * inner.size, static_cast<size_t>(inner.size),
                     row + inner.begin);
      k.or_windows(row, static_cast<size_t>(inner.kernel), static_cast<size_t>(inner.stride), y,
                   static_cast<size_t>(inner.extent));
    }
}

}  // namespace lgnx
