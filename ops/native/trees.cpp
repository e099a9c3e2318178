#include "trees.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "program.h"
#include "schedule.h"
#include "scratch.h"

namespace lgnx {
namespace {

// Large groups have long steps, small ones stay in a cache and keep more threads busy.
constexpr int64_t kLeavesTogether = 4096, kTreesTogether = 512;
constexpr int64_t kGroups = 4, kFewTrees = 64;

// The bits of the window that trees read, ascending.
std::vector<uint32_t> distinct_leaves(const Trees& trees, int64_t first, int64_t count) {
  const auto begin = trees.indices.begin() + first * trees.leaves();
  std::vector<uint32_t> result(begin, begin + count * trees.leaves());
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

// Where each leaf of the trees is among the distinct ones.
std::vector<uint32_t> leaf_numbers(const Trees& trees, int64_t first, int64_t count,
                                   const std::vector<uint32_t>& distinct) {
  std::vector<uint32_t> result;
  result.reserve(static_cast<size_t>(count * trees.leaves()));
  for (int64_t i = first * trees.leaves(); i < (first + count) * trees.leaves(); ++i)
    result.push_back(static_cast<uint32_t>(
        std::lower_bound(distinct.begin(), distinct.end(), trees.indices[i]) - distinct.begin()));
  return result;
}

uint64_t table_of(const Trees& trees, int64_t tree, int64_t node) {
  const int64_t bytes = trees.table_bytes();
  const uint8_t* table = trees.tables.data() + (tree * trees.nodes() + node) * bytes;
  uint64_t value = 0;
  for (int64_t b = 0; b < bytes; ++b) value |= uint64_t{table[b]} << 8 * b;
  return value & table_mask(static_cast<uint32_t>(trees.k));
}

// Tables that the gate loop knows: the group is a program.
class GateGroup : public TreeGroup {
 public:
  GateGroup(const Trees& trees, int64_t first_tree, int64_t n_trees) {
    first = first_tree;
    count = n_trees;
    const std::vector<uint32_t> distinct = distinct_leaves(trees, first, count);
    Program program;
    program.n_inputs = static_cast<uint32_t>(distinct.size());
    program.n_gates = static_cast<uint32_t>(count * trees.nodes());
    program.words.reserve(static_cast<size_t>(count * trees.nodes() * trees.k));
    // Wires of the level below, of all trees.
    std::vector<uint32_t> below = leaf_numbers(trees, first, count, distinct);
    for (uint32_t& wire : below) ++wire;
    uint32_t next = 1 + program.n_inputs;
    int64_t node = 0;
    for (int64_t width = trees.leaves(), level = 0; level < trees.depth; ++level) {
      width /= trees.k;
      std::map<uint64_t, std::vector<uint32_t>> members;  // by table; entries of the level
      for (int64_t t = 0; t < count; ++t)
        for (int64_t j = 0; j < width; ++j)
          members[table_of(trees, first + t, node + j)].push_back(
              static_cast<uint32_t>(t * width + j));
      std::vector<uint32_t> wires(static_cast<size_t>(count * width));
      for (const auto& [table, entries] : members) {
        const uint32_t* fanins = program.words.data() + program.words.size();
        for (uint32_t entry : entries) {
          for (int64_t i = 0; i < trees.k; ++i) program.words.push_back(below[entry * trees.k + i]);
          wires[entry] = next++;
        }
        program.runs.push_back(
            {static_cast<uint32_t>(trees.k), static_cast<uint32_t>(entries.size()), table, fanins});
      }
      below.swap(wires);
      node += width;
    }
    for (uint32_t wire : below) program.outputs.push_back(2 * wire);
    schedule_ = schedule(program, 0);
    for (const Input& input : schedule_.inputs)
      leaves.push_back({distinct[input.index], input.slot});
    n_slots = schedule_.n_slots;
    output_slot = schedule_.output_slot;
  }

  void evaluate(const Kernels& k, uint64_t* lines, size_t words) const override {
    k.execute(schedule_, 0, static_cast<uint32_t>(schedule_.steps.size()), lines, words);
  }

 private:
  Schedule schedule_;  // of one section, since the trees are no more than its lines
};
static_assert(kTreesTogether <= kSectionLines, "all roots are there at the end");

// Wider tables: what each position reads is brought together into an address.
class TableGroup : public TreeGroup {
 public:
  TableGroup(const Trees& trees, int64_t first_tree, int64_t n_trees)
      : k_(trees.k),
        depth_(trees.depth),
        tree_leaves_(trees.leaves()),
        bytes_(trees.table_bytes()) {
    first = first_tree;
    count = n_trees;
    const std::vector<uint32_t> distinct = distinct_leaves(trees, first, count);
    numbers_ = leaf_numbers(trees, first, count, distinct);
    for (uint32_t index : distinct) leaves.push_back({index, n_slots++});
    nodes_slot_ = n_slots;
    output_slot = nodes_slot_ + static_cast<uint32_t>(tree_leaves_ / k_);
    n_slots = output_slot + static_cast<uint32_t>(count);
    const auto begin = trees.tables.begin() + first * trees.nodes() * bytes_;
    tables_.assign(begin, begin + count * trees.nodes() * bytes_);
  }

  void evaluate(const Kernels& k, uint64_t* lines, size_t words) const override {
    const uint8_t* table = tables_.data();
    uint64_t* nodes = lines + nodes_slot_ * words;
    for (int64_t t = 0; t < count; ++t) {
      const uint32_t* numbers = numbers_.data() + t * tree_leaves_;
      const uint64_t* sources[kMaxTableInputs];
      for (int64_t width = tree_leaves_ / k_, level = 0; level < depth_; ++level, width /= k_)
        for (int64_t j = 0; j < width; ++j, table += bytes_) {
          for (int64_t i = 0; i < k_; ++i)
            sources[i] = level ? nodes + (j * k_ + i) * words
                               : lines + size_t{1 + numbers[j * k_ + i]} * words;
          look_up(k, sources, table, nodes + j * words, words);
        }
      std::memcpy(lines + (output_slot + t) * words, nodes, words * sizeof *nodes);
    }
  }

 private:
  // The target may be the first source.
  void look_up(const Kernels& k, const uint64_t* const* sources, const uint8_t* table,
               uint64_t* target, size_t words) const {
    for (size_t w = 0; w < words; ++w) {
      alignas(64) uint64_t tile[64] = {};  // transposed, an address for each position
      for (int64_t i = 0; i < k_; ++i) tile[i] = sources[i][w];
      k.transpose(tile, 1);
      uint64_t found = 0;
      for (unsigned j = 0; j < 64; ++j)
        found |= (uint64_t{table[tile[j] >> 3]} >> (tile[j] & 7) & 1) << j;
      target[w] = found;
    }
  }

  int64_t k_, depth_, tree_leaves_, bytes_;
  uint32_t nodes_slot_ = 0;
  std::vector<uint32_t> numbers_;
  std::vector<uint8_t> tables_;
};

}  // namespace

int64_t Trees::leaves() const { return n ? static_cast<int64_t>(indices.size()) / n : 0; }

int64_t Trees::nodes() const { return k == 1 ? depth : (leaves() - 1) / (k - 1); }

int64_t fan_in(int64_t leaves, int64_t depth) {
  for (int64_t k = 1; k <= kMaxTableInputs; ++k) {
    int64_t power = 1;
    for (int64_t i = 0; i < depth && power <= leaves && (k > 1 || i < 1); ++i) power *= k;
    if (power == leaves) return k;
  }
  return 0;
}

std::vector<std::unique_ptr<const TreeGroup>> group_trees(const Trees& trees) {
  std::vector<std::unique_ptr<const TreeGroup>> groups;
  const int64_t busy = std::max(kFewTrees, (trees.n + kGroups - 1) / kGroups);
  const int64_t each =
      std::clamp<int64_t>(kLeavesTogether / trees.leaves(), 1, std::min(busy, kTreesTogether));
  for (int64_t t = 0; t < trees.n; t += each) {
    const int64_t count = std::min(each, trees.n - t);
    if (trees.k <= static_cast<int64_t>(kMaxFanin))
      groups.push_back(std::make_unique<GateGroup>(trees, t, count));
    else
      groups.push_back(std::make_unique<TableGroup>(trees, t, count));
  }
  return groups;
}

}  // namespace lgnx
