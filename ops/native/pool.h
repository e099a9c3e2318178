// OR over windows of each channel, one axis after the other.
#pragma once
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
  // Of one channel.
  size_t in_bytes() const { return in_; }
  size_t out_bytes() const { return out_; }
  // Channels that make up a piece of work.
  size_t channels_together() const;
  // From x of [n][sizes ...] to y of [n][extents ...].
  void run(const Kernels& k, const uint8_t* x, size_t n, uint8_t* y) const;

 private:
  struct Stage {
    PoolAxis axis;
    size_t outer, inner;  // of one channel: axes in front, and bytes behind
    size_t size() const { return outer * axis.extent * inner; }
  };
  void run_some(const Kernels& k, const uint8_t* x, size_t n, uint8_t* y) const;

  std::vector<int64_t> extents_;
  std::vector<Stage> stages_;              // of the axes that change something, at least one
  size_t in_ = 1, out_ = 1, largest_ = 1;  // bytes of a channel
};

}  // namespace lgnx
