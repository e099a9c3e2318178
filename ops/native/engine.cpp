#include "engine.h"

#include <algorithm>
#include <chrono>

#include "cache.h"
#include "scratch.h"

namespace lgnx {
namespace {

double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

}  // namespace

size_t choose_words(const Schedule& schedule, uint64_t batch) {
  if (batch <= 64) return 1;
  if (batch <= 256) return 4;
  // Longer lines spread the cost of a gate's operands, as long as a block leaves half of the cache
  // to what is packed and counted.
  const bool fits = size_t{schedule.n_slots} * 16 * 8 <= second_level_cache() / 2;
  return batch > 512 && fits ? 16 : 8;
}

void Batch::run(uint64_t block, StageTimes* times) const {
  const Kernels& k = kernels();
  const uint64_t start = block * block_samples();
  const uint64_t count = std::min<uint64_t>(block_samples(), size - start);
  uint64_t* lines = scratch(Scratch::kLines, size_t{schedule.n_slots} * words);
  std::fill_n(lines, words, 0);  // slot 0 is constant false
  const double t0 = times ? seconds() : 0;
  plan.run(k, source, start, count, lines, words);
  const double t1 = times ? seconds() : 0;
  k.execute(schedule, lines, words);
  const double t2 = times ? seconds() : 0;
  if (scores)
    scores->run(k, lines, words, count,
                out + start * scores->scale().groups * type_size(scores->scale().type));
  else
    unpack_block(k, schedule, lines, words, count,
                 reinterpret_cast<uint8_t*>(out) + start * schedule.outputs.size());
  if (!times) return;
  times->pack += t1 - t0;
  times->gates += t2 - t1;
  times->output += seconds() - t2;
}

}  // namespace lgnx
