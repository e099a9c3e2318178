// Runs a schedule over blocks of samples. A block holds, for every slot, a line of W words; bit s
// of the line is sample s of the block.
#pragma once
#include <cstddef>
#include <cstdint>

#include "count.h"
#include "pack.h"
#include "schedule.h"

namespace lgnx {

// What one instruction set provides; every variant is compiled from the same kernels.inc.h.
struct Kernels {
  const char* name;
  // Evaluates all steps; `words` is 1, 4, 8, 16 or 32.
  void (*execute)(const Schedule& schedule, uint64_t* lines, size_t words);
  // Masks of one row: bit j of masks[i] is program input 64 * i + j.
  void (*row_masks)(const RowSource& source, uint64_t sample, uint64_t* masks);
  void (*transpose)(uint64_t tile[64]);
  void (*count_group)(const Output* outputs, size_t n, const uint64_t* lines, size_t words,
                      uint32_t* counts);
};

const Kernels& portable_kernels();
const Kernels* avx2_kernels();  // nullptr where this build has none
const Kernels* avx512_kernels();

// The best variant of this machine, or the one named by the environment variable LGNX_SIMD.
// Throws Error where that names one which cannot run here.
const Kernels& kernels();

// Words of a line for a batch: narrow ones for few samples, wide ones while all slots fit in cache.
size_t choose_words(const Schedule& schedule, uint64_t batch);

// Memory of a block, aligned to a cache line. Throws std::bad_alloc.
class Block {
 public:
  Block(const Schedule& schedule, size_t words);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  uint64_t* lines() { return lines_; }

 private:
  uint64_t* lines_;
};

// Packs samples [start, start + count) into the input lines, count <= 64 * words.
void pack_block(const Kernels& k, const Schedule& schedule, const RowSource& source, uint64_t start,
                uint64_t count, uint64_t* lines, size_t words);
// Writes count rows of output bits as bytes.
void unpack_block(const Kernels& k, const Schedule& schedule, const uint64_t* lines, size_t words,
                  uint64_t count, uint8_t* out);
// Writes count rows of scores, [count][groups] of the scale's type.
void score_block(const Kernels& k, const Schedule& schedule, const Scale& scale,
                 const uint64_t* lines, size_t words, uint64_t count, char* out);

}  // namespace lgnx
