// Trees of truth tables, made ready to run in groups of a few: nodes are evaluated on lines of
// bits.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels.h"

namespace lgnx {

constexpr int64_t kMaxTableInputs = 16;
constexpr int64_t kMaxLeaves = 1 << 16;

// Trees of one shape. Leaf l of tree t is the bit indices[t][l] of a window; the nodes of a tree
// are numbered from the leaves to the root, and each level reads the one before in order.
struct Trees {
  int64_t n = 0, k = 0, depth = 0;
  std::vector<uint32_t> indices;  // [n][leaves]
  std::vector<uint8_t> tables;    // [n][nodes][table_bytes]

  int64_t leaves() const;
  int64_t nodes() const;
  int64_t table_bytes() const { return k < 4 ? 1 : int64_t{1} << (k - 3); }
};

// The k with k^depth = leaves; 0 where there is none from 1 to 16.
int64_t fan_in(int64_t leaves, int64_t depth);

// Some trees that are evaluated together.
class TreeGroup {
 public:
  virtual ~TreeGroup() = default;
  // Slot 0 is constant false, and is no leaf.
  virtual void evaluate(const Kernels& k, uint64_t* lines, size_t words) const = 0;

  struct Leaf {
    uint32_t index, slot;
  };
  int64_t first = 0, count = 0;  // trees
  std::vector<Leaf> leaves;      // bits of the window that are read, and the lines that they go to
  uint32_t n_slots = 1;
  uint32_t output_slot = 0;  // of the first root; the others follow
};

// The groups do not refer to the trees.
std::vector<std::unique_ptr<const TreeGroup>> group_trees(const Trees& trees);

}  // namespace lgnx
