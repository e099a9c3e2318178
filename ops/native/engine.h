// A loaded network: a schedule, and how a batch runs through it block by block. A block holds, for
// every slot, a line of W words; bit s of the line is sample s of the block.
#pragma once
#include <cstdint>

#include "pack.h"
#include "score.h"

namespace lgnx {

// Words of a line for a batch: narrow ones for few samples, wide ones while all slots fit in cache.
size_t choose_words(const Schedule& schedule, uint64_t batch);

// Seconds spent in each stage.
struct StageTimes {
  double pack = 0, gates = 0, output = 0;
};

struct Batch {
  const Schedule& schedule;
  const PackPlan& plan;
  RowSource source;
  const ScorePlan* scores;  // nullptr: the outputs are bits
  uint64_t size;            // samples
  char* out;                // [size][groups] scores or [size][outputs] bytes
  size_t words;             // of a line
  const Kernels* kernels = &lgnx::kernels();

  uint64_t block_samples() const { return 64 * words; }
  uint64_t blocks() const { return (size + block_samples() - 1) / block_samples(); }
  // Runs one block; blocks may run side by side. Adds to `times` where it is given.
  void run(uint64_t block, StageTimes* times = nullptr) const;
};

}  // namespace lgnx
