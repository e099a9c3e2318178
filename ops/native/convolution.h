// Trees of truth tables at every position of a window. Positions are bits of a line, those of
// several samples where they are few; leaves are lines that are shifted out of the strips of their
// channels.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "strips.h"
#include "trees.h"
#include "windows.h"

namespace lgnx {

// Calls work(0) ... work(n - 1), maybe side by side.
using ParallelFor = std::function<void(size_t n, const std::function<void(size_t)>& work)>;

using TreeGroups = std::vector<std::unique_ptr<const TreeGroup>>;

class Convolution {
 public:
  // For x of [batch][channels][sizes ...]; the attributes and leaves fit it. The groups must
  // outlive this. Throws Error where it would take too much memory.
  Convolution(const TreeGroups& groups, const WindowAttributes& attributes, bool transposed,
              int64_t channels, const std::vector<int64_t>& sizes);

  // y is [batch][trees][extents ...].
  void run(const Kernels& k, const uint8_t* x, int64_t batch, uint8_t* y,
           const ParallelFor& parallel) const;

 private:
  struct Block;
  struct Source {
    int64_t channel;
    uint32_t origin;
  };

  void place_axes(const WindowAttributes& attributes, bool transposed,
                  const std::vector<int64_t>& sizes);
  void place_leaves(const WindowAttributes& attributes);
  void place_readings(const std::vector<std::array<int64_t, 3>>& windows);
  uint64_t mask_of(const std::array<int64_t, 6>& key);
  Box source_box(const std::array<int64_t, 3>& origin) const;
  Box output_box(const std::array<int64_t, 3>& phase) const;
  size_t choose_words(int64_t batch) const;
  void pack(const Block& block, size_t first, size_t last) const;
  void evaluate(const Block& block, size_t group) const;

  const TreeGroups& groups_;
  int64_t channels_, trees_ = 0;
  std::array<WindowAxis, 3> axes_;
  uint64_t in_volume_ = 1, out_volume_ = 1, grid_ = 1;
  std::array<uint64_t, 3> pitch_;
  std::vector<Source> sources_;         // by channel
  std::vector<Box> source_boxes_;       // by origin
  std::vector<Box> output_boxes_;       // by phase
  std::vector<std::vector<Tap>> taps_;  // by group
  std::vector<Reading> readings_;       // by phase and window
  size_t n_windows_ = 0;
  std::vector<uint64_t> masks_;
  size_t mask_words_ = 0;
  size_t guard_ = 0;  // words in front of the strips and behind them that may be read
  uint32_t n_slots_ = 1;
};

}  // namespace lgnx
