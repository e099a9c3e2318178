#include "schedule.h"

#include <algorithm>
#include <numeric>

namespace lgnx {
namespace {

// Table of two inputs that ignores x_1 and equals a table of one input.
uint64_t widen(uint64_t table) { return table | table << 2; }

}  // namespace

Schedule schedule(const Program& program) {
  Schedule result;
  result.n_inputs = program.n_inputs;
  const uint64_t first_gate = 1 + uint64_t{program.n_inputs};
  const uint64_t n_wires = first_gate + program.n_gates;

  // How often each wire is still to be read; outputs are read at the very end.
  std::vector<uint32_t> uses(n_wires, 0);
  for (uint32_t literal : program.outputs) ++uses[literal >> 1];
  uint64_t wire = n_wires;
  for (auto run = program.runs.rbegin(); run != program.runs.rend(); ++run)
    for (uint32_t g = run->count; g-- > 0;)
      if (uses[--wire])
        for (uint32_t i = 0; i < run->k; ++i) ++uses[run->fanins[uint64_t{g} * run->k + i]];

  std::vector<uint32_t> slot(n_wires, 0);
  uint32_t next = 1;
  for (uint32_t i = 0; i < program.n_inputs; ++i)
    if (uses[1 + i]) {
      slot[1 + i] = next++;
      result.inputs.push_back({i, slot[1 + i]});
    }

  // Slots are reused last in, first out, so that results land in lines that are still cached.
  std::vector<uint32_t> free_slots;
  std::vector<uint32_t> order;
  wire = first_gate;
  for (const Run& run : program.runs) {
    order.clear();
    for (uint32_t g = 0; g < run.count; ++g)
      if (uses[wire + g]) order.push_back(g);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      const uint32_t sa = slot[run.fanins[uint64_t{a} * run.k]];
      const uint32_t sb = slot[run.fanins[uint64_t{b} * run.k]];
      return sa != sb ? sa < sb : a < b;
    });
    if (!order.empty()) {
      const bool single = run.k == 1;
      result.steps.push_back({single ? 2 : run.k, static_cast<uint32_t>(order.size()),
                              single ? widen(run.table) : run.table, result.operands.size()});
    }
    for (uint32_t g : order) {
      const uint32_t* fanins = run.fanins + uint64_t{g} * run.k;
      for (uint32_t i = 0; i < run.k; ++i) result.operands.push_back(slot[fanins[i]]);
      if (run.k == 1) result.operands.push_back(slot[fanins[0]]);
      for (uint32_t i = 0; i < run.k; ++i)
        if (--uses[fanins[i]] == 0 && fanins[i] != 0) free_slots.push_back(slot[fanins[i]]);
      if (free_slots.empty()) {
        slot[wire + g] = next++;
      } else {
        slot[wire + g] = free_slots.back();
        free_slots.pop_back();
      }
      result.operands.push_back(slot[wire + g]);
    }
    wire += run.count;
  }
  result.n_slots = next;
  for (uint32_t literal : program.outputs)
    result.outputs.push_back({slot[literal >> 1], literal & 1});
  return result;
}

}  // namespace lgnx
