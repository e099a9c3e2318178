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
  const Kernels& k = *kernels;
  const uint64_t start = block * block_samples();
  const uint64_t count = std::min<uint64_t>(block_samples(), size - start);
  uint64_t* lines = scratch(Scratch::kLines, size_t{schedule.n_slots} * words);
  std::fill_n(lines, words, 0);  // slot 0 is constant false
  double last = times ? seconds() : 0;
  const auto lap = [&](double StageTimes::* stage) {
    if (!times) return;
    const double now = seconds();
    times->*stage += now - last;
    last = now;
  };
  plan.run(k, source, start, count, lines, words);
  lap(&StageTimes::pack);
  k.execute(schedule, 0, schedule.main_steps(), lines, words);
  if (scores) scores->begin(words);
  const uint64_t* outputs = lines + size_t{schedule.output_slot} * words;
  uint64_t first_output = 0;
  for (const Section& section : schedule.sections) {
    k.execute(schedule, section.first_step, section.last_step, lines, words);
    lap(&StageTimes::gates);
    if (scores)
      scores->add(k, schedule, section, lines, words, count);
    else
      unpack(k, outputs, section.lines, words, source.packed(), count,
             reinterpret_cast<uint8_t*>(out) + start * schedule.n_outputs + first_output,
             schedule.n_outputs);
    first_output += section.lines;
    lap(&StageTimes::output);
  }
  if (scores)
    scores->write(k, words, source.packed(), count,
                  out + start * scores->scale().groups * type_size(scores->scale().type));
  lap(&StageTimes::output);
}

}  // namespace lgnx
