// From the output lines of a block to scores, and to bits.
#pragma once
#include <vector>

#include "count.h"
#include "kernels.h"

namespace lgnx {

// The group sum of a program's outputs.
class ScorePlan {
 public:
  ScorePlan() = default;
  // Throws Error as check_scale does.
  ScorePlan(const Schedule& schedule, const Scale& scale);

  // Writes rows of scores, [count][groups] of the scale's type; count <= 64 * words.
  void run(const Kernels& k, const uint64_t* lines, size_t words, uint64_t count, char* out) const;

  const Scale& scale() const { return scale_; }

 private:
  struct Group {
    uint32_t first, complements, last;  // slots_[first, complements) and [complements, last)
  };
  template <class T, unsigned Field>
  void write(const uint64_t* tile, size_t lanes, uint64_t rows, uint32_t group, char* out) const;

  Scale scale_;
  unsigned field_ = 8;   // bits of one count in a word: 8, 16 or 32
  size_t n_planes_ = 0;  // bits that a count needs
  std::vector<uint32_t> slots_;
  std::vector<Group> groups_;
  std::vector<char> table_;  // the score of each count, of fields up to 16 bits
};

// Writes rows of bits, [count][outputs]; count <= 64 * words.
void unpack_block(const Kernels& k, const Schedule& schedule, const uint64_t* lines, size_t words,
                  uint64_t count, uint8_t* out);

}  // namespace lgnx
