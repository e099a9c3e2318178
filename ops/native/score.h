// From the output lines of a block to scores, and to bits.
#pragma once
#include <vector>

#include "count.h"
#include "kernels.h"

namespace lgnx {

// The group sum of a program's outputs. The counts of a block are kept in the scratch memory of the
// thread, from begin to write.
class ScorePlan {
 public:
  ScorePlan() = default;
  // The schedule is one with so many groups. Throws Error as check_scale does.
  ScorePlan(const Schedule& schedule, const Scale& scale);

  void begin(size_t words) const;
  // Counts the lines of a section, for samples up to `count` of the block.
  void add(const Kernels& k, const Schedule& schedule, const Section& section,
           const uint64_t* lines, size_t words, uint64_t count) const;
  // Writes rows of scores, [count][groups] of the scale's type; count <= 64 * words.
  void write(const Kernels& k, size_t words, bool packed, uint64_t count, char* out) const;

  const Scale& scale() const { return scale_; }

 private:
  // At least one word for each group, even where nothing can be counted.
  size_t planes_size(size_t words) const {
    return scale_.groups * (n_planes_ ? n_planes_ : 1) * words;
  }

  Scale scale_;
  unsigned field_ = 8;          // bits of one count in a word: 8, 16 or 32
  size_t n_planes_ = 0;         // bits that a count needs
  std::vector<uint32_t> ones_;  // of each group, beside what is counted
};

// Writes n lines of bits as bytes: row s of `out`, `stride` bytes from the next, takes bit s of
// every line; count <= 64 * words.
void unpack(const Kernels& k, const uint64_t* lines, size_t n, size_t words, bool packed,
            uint64_t count, uint8_t* out, uint64_t stride);

}  // namespace lgnx
