#include "windows.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "error.h"

namespace lgnx {
namespace {

// Of every attribute and extent: products of two of them, and a few added, are far from overflow.
constexpr int64_t kLargest = (int64_t{1} << 31) - 1;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

int64_t reach(const WindowAttributes& a, size_t axis) {
  return a.dilations[axis] * (a.kernel_shape[axis] - 1);
}

void check_entries(const char* name, const std::vector<int64_t>& values, size_t entries,
                   int64_t least) {
  if (values.size() != entries)
    throw Error(std::string("attribute ") + name + ": has " + std::to_string(values.size()) +
                " entries, must have " + std::to_string(entries));
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low < least)
    throw Error(std::string("attribute ") + name + ": holds " + std::to_string(*low) +
                ", must not be less than " + std::to_string(least));
  if (*high > kLargest)
    throw Error(std::string("attribute ") + name + ": holds " + std::to_string(*high) +
                ", must not be more than " + std::to_string(kLargest));
}

void check_sizes(const WindowAttributes& a, const std::vector<int64_t>& sizes) {
  for (size_t axis = 0; axis < a.axes(); ++axis)
    if (sizes[axis] > kLargest)
      throw Error("input x: has " + std::to_string(sizes[axis]) + " bits along axis " +
                  std::to_string(2 + axis) + ", must not have more than " +
                  std::to_string(kLargest));
}

}  // namespace

int64_t saturated(int64_t a, int64_t b) {
  return a && b > std::numeric_limits<int64_t>::max() / a ? std::numeric_limits<int64_t>::max()
                                                          : a * b;
}

WindowAttributes::WindowAttributes(std::vector<int64_t> shape) : kernel_shape(std::move(shape)) {
  strides.assign(axes(), 1);
  pads.assign(2 * axes(), 0);
  dilations.assign(axes(), 1);
  output_padding.assign(axes(), 0);
}

int64_t WindowAttributes::volume() const {
  int64_t n = 1;
  for (int64_t extent : kernel_shape) n = saturated(n, extent);
  return n;
}

void check_entries(const WindowAttributes& a) {
  const size_t d = a.axes();
  if (d < 1 || d > kMaxSpatial)
    throw Error("attribute kernel_shape: has " + std::to_string(d) + " entries, must have 1 to " +
                std::to_string(kMaxSpatial));
  check_entries("kernel_shape", a.kernel_shape, d, 1);
  check_entries("strides", a.strides, d, 1);
  check_entries("pads", a.pads, 2 * d, 0);
  check_entries("dilations", a.dilations, d, 1);
  check_entries("output_padding", a.output_padding, d, 0);
}

int64_t slide_extent(int64_t size, const WindowAttributes& a, size_t axis) {
  const int64_t padded = size + a.pads[axis] + a.pads[a.axes() + axis];
  return floor_div(padded - reach(a, axis) - 1, a.strides[axis]) + 1;
}

int64_t spread_extent(int64_t size, const WindowAttributes& a, size_t axis) {
  return (size - 1) * a.strides[axis] + reach(a, axis) + 1 + a.output_padding[axis] - a.pads[axis] -
         a.pads[a.axes() + axis];
}

void check_slide(const WindowAttributes& a, const std::vector<int64_t>& sizes) {
  check_sizes(a, sizes);
  for (size_t axis = 0; axis < a.axes(); ++axis)
    if (slide_extent(sizes[axis], a, axis) < 1)
      throw Error("attribute kernel_shape: a window of " + std::to_string(reach(a, axis) + 1) +
                  " bits does not fit along axis " + std::to_string(2 + axis) +
                  " of x, which has " + std::to_string(sizes[axis]) + " bits and " +
                  std::to_string(a.pads[axis]) + " + " + std::to_string(a.pads[a.axes() + axis]) +
                  " of padding");
}

void check_spread(const WindowAttributes& a, const std::vector<int64_t>& sizes) {
  check_sizes(a, sizes);
  const size_t d = a.axes();
  for (size_t axis = 0; axis < d; ++axis) {
    for (int64_t value : {a.pads[axis], a.pads[d + axis]})
      if (value > reach(a, axis))
        throw Error("attribute pads: holds " + std::to_string(value) + " along axis " +
                    std::to_string(axis) + ", must not be more than " +
                    std::to_string(reach(a, axis)) + ", the window less one bit");
    if (a.output_padding[axis] >= a.strides[axis])
      throw Error("attribute output_padding: is " + std::to_string(a.output_padding[axis]) +
                  " along axis " + std::to_string(axis) + ", must be less than the stride, " +
                  std::to_string(a.strides[axis]));
    if (spread_extent(sizes[axis], a, axis) < 1)
      throw Error("attribute pads: leave no output of the " + std::to_string(sizes[axis]) +
                  " bits of axis " + std::to_string(axis));
  }
}

void check_pool(const WindowAttributes& a, const std::vector<int64_t>& sizes) {
  const size_t d = a.axes();
  for (size_t axis = 0; axis < d; ++axis)
    for (int64_t value : {a.pads[axis], a.pads[d + axis]})
      if (value >= a.kernel_shape[axis])
        throw Error("attribute pads: holds " + std::to_string(value) + " along axis " +
                    std::to_string(axis) + ", must be less than the kernel's " +
                    std::to_string(a.kernel_shape[axis]));
  check_slide(a, sizes);
}

WindowAxis WindowAxis::slide(int64_t size, const WindowAttributes& a, size_t axis) {
  WindowAxis result;
  result.size_ = size;
  result.extent_ = slide_extent(size, a, axis);
  result.step_ = a.strides[axis];
  result.dilation_ = a.dilations[axis];
  result.before_ = a.pads[axis];
  const int64_t in_steps = ceil_div(size, result.step_);
  result.shifted_ = in_steps < 2 * result.extent_;
  result.grid_ = result.shifted_ ? std::max(result.extent_, in_steps) : result.extent_;
  return result;
}

WindowAxis WindowAxis::spread(int64_t size, const WindowAttributes& a, size_t axis) {
  WindowAxis result;
  result.size_ = size;
  result.extent_ = spread_extent(size, a, axis);
  result.spacing_ = a.strides[axis];
  result.dilation_ = a.dilations[axis];
  result.before_ = reach(a, axis) - a.pads[axis];
  result.grid_ = std::max(ceil_div(result.extent_, result.spacing_), size);
  return result;
}

WindowAxis::Reading WindowAxis::read(int64_t phase, int64_t w) const {
  const int64_t at = phase + w * dilation_ - before_;  // what the first position reads
  if (at % spacing_ != 0) return {0, 0, 0, 0};
  const int64_t start = at / spacing_;
  const int64_t shift = shifted_ ? floor_div(start, step_) : 0;
  const int64_t first = std::max<int64_t>(0, ceil_div(-start, step_));
  const int64_t last = std::min(outputs(phase), floor_div(size_ - 1 - start, step_) + 1);
  return {start - shift * step_, shift, first, last};
}

}  // namespace lgnx
