// Windows that slide over the spatial axes of a tensor: their checks, and which bit of the input
// each entry of a window reads. The terms are those of ONNX's Conv and ConvTranspose.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lgnx {

constexpr size_t kMaxSpatial = 3;

// Attributes, d entries each and 2 * d of pads.
struct WindowAttributes {
  std::vector<int64_t> kernel_shape, strides, pads, dilations, output_padding;

  WindowAttributes() = default;
  // All others have their defaults.
  explicit WindowAttributes(std::vector<int64_t> kernel_shape);

  size_t axes() const { return kernel_shape.size(); }
  // Entries of a window of one channel; the largest number where that is larger.
  int64_t volume() const;
};

// One spatial axis. Its outputs are cut into phases: output e is at position e / phases of phase
// e % phases. Those of one phase read the input in equal steps:
//
// - position i of phase t reads, for entry w of the window, bit step * (i + shift) + origin of x,
//   if first <= i < last; else it reads 0.
//
// There are several phases only where the input is spread out, and steps of more than 1 only where
// it is not. All positions lie on a grid, which also holds every step-th bit of x from an origin
// on. A window that is almost as large as x leaves few positions of many; there each entry has an
// origin of its own, and no shift.
class WindowAxis {
 public:
  struct Reading {
    int64_t origin, shift, first, last;  // first >= last: 0 everywhere
  };

  WindowAxis() = default;
  static WindowAxis slide(int64_t size, const WindowAttributes& a, size_t axis);
  static WindowAxis spread(int64_t size, const WindowAttributes& a, size_t axis);

  int64_t size() const { return size_; }
  int64_t extent() const { return extent_; }
  int64_t grid() const { return grid_; }
  int64_t step() const { return step_; }
  int64_t spacing() const { return spacing_; }  // of the outputs of one phase
  int64_t phases() const { return spacing_ < extent_ ? spacing_ : extent_; }
  int64_t outputs(int64_t phase) const { return (extent_ - phase + spacing_ - 1) / spacing_; }
  Reading read(int64_t phase, int64_t w) const;

 private:
  int64_t size_ = 1, extent_ = 1, grid_ = 1, step_ = 1, spacing_ = 1;
  int64_t dilation_ = 1, before_ = 0;
  bool shifted_ = true;
};

// Checks their lengths, smallest and largest values. Throws Error.
void check_entries(const WindowAttributes& attributes);

// Checks that windows fit into an input of these spatial sizes. Throws Error.
void check_slide(const WindowAttributes& attributes, const std::vector<int64_t>& sizes);
void check_spread(const WindowAttributes& attributes, const std::vector<int64_t>& sizes);
void check_pool(const WindowAttributes& attributes, const std::vector<int64_t>& sizes);

// Extents of the output; they may be less than 1 where a check would fail.
int64_t slide_extent(int64_t size, const WindowAttributes& attributes, size_t axis);
int64_t spread_extent(int64_t size, const WindowAttributes& attributes, size_t axis);

// The least of a product and the largest number.
int64_t saturated(int64_t a, int64_t b);

}  // namespace lgnx
