// OR over windows of each channel.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "windows.h"

namespace lgnx {

class Pool {
 public:
  // The attributes fit the sizes.
  Pool(const WindowAttributes& attributes, const std::vector<int64_t>& sizes);

  const std::vector<int64_t>& extents() const { return extents_; }
  // Channels of a sample that make up a piece of work.
  size_t channels_together() const;
  // From x of [n][sizes ...] to y of [n][extents ...]; of these channels, [first, last).
  void run(const Kernels& k, const uint8_t* x, uint8_t* y, size_t first, size_t last) const;

 private:
  struct Axis {
    int64_t size = 1, extent = 1, kernel = 1, stride = 1, begin = 0, end = 0;
  };
  void run_channel(const Kernels& k, const uint8_t* x, uint8_t* y, uint8_t* row) const;

  std::array<Axis, 3> axes_;
  std::vector<int64_t> extents_;
};

}  // namespace lgnx
