// Packing: rows of numbers to the input lines of a block.
#pragma once
#include <vector>

#include "kernels.h"

namespace lgnx {

// Where the live inputs of a program lie in the tiles of a layout.
class PackPlan {
 public:
  PackPlan(const Schedule& schedule, const RowLayout& layout);

  // Packs samples [start, start + count) into the input lines, count <= 64 * words.
  void run(const Kernels& k, const RowSource& source, uint64_t start, uint64_t count,
           uint64_t* lines, size_t words) const;

  const RowLayout& layout() const { return layout_; }

 private:
  void run_packed(const RowSource& source, uint64_t start, uint64_t* lines, size_t words) const;

  struct Load {
    uint64_t tile;
    uint32_t bit, slot;
  };
  RowLayout layout_;
  std::vector<Load> loads_;        // by tile
  std::vector<uint64_t> ranges_;   // first tiles of what is packed together, and the end
  std::vector<size_t> range_end_;  // of each range's loads
};

}  // namespace lgnx
