// A program made ready to run: dead gates dropped, wires assigned to reused slots.
#pragma once
#include <cstdint>
#include <vector>

#include "program.h"

namespace lgnx {

// Gates of one function, evaluated one after another. `operands` holds k source slots and one
// target slot for each gate; a target may be a slot that an earlier gate of the step, or the gate
// itself, has read for the last time.
struct Step {
  uint32_t k;  // 2 ... 6; gates of one input are widened to two
  uint32_t count;
  uint64_t table;
  uint64_t first;  // index into Schedule::operands
};

struct Input {
  uint32_t index;  // program input
  uint32_t slot;
};

struct Output {
  uint32_t slot;
  uint32_t complement;  // 0 or 1
};

struct Schedule {
  uint32_t n_inputs = 0;
  uint32_t n_slots = 1;       // slot 0 is constant false
  std::vector<Input> inputs;  // the live ones, by index
  std::vector<Step> steps;
  std::vector<uint32_t> operands;
  std::vector<Output> outputs;
};

Schedule schedule(const Program& program);

}  // namespace lgnx
