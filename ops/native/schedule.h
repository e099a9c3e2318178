// A program made ready to run: gates in order, wires assigned to reused slots.
#pragma once
#include <cstdint>
#include <vector>

#include "operation.h"
#include "program.h"

namespace lgnx {

// Gates of one operation, evaluated one after another. A target may be a slot that an earlier gate
// of the step, or the gate itself, has read for the last time.
struct Step {
  uint32_t op;
  uint32_t count;
  uint64_t first;  // index into Schedule::operands, or into lut_operands
};

struct Input {
  uint32_t index;  // program input
  uint32_t slot;
};

// Outputs of one group: entries of Schedule::counted, slots whose lines count, then slots of which
// the complements count. Both are multiples of kCountedTogether.
constexpr uint32_t kCountedTogether = 8;

struct Piece {
  uint32_t group;
  uint64_t first;
  uint32_t count, complements;
};

// Some of the outputs. Its steps write lines where the next section will write its own: outputs are
// counted or unpacked while they are in the cache. With groups these are only the gates that are
// one output and nothing else; what is used elsewhere too is counted where it is. Bits lie one
// after the other from output_slot on.
struct Section {
  uint32_t first_step, last_step;
  uint32_t lines;
  uint32_t first_piece, last_piece;  // of Schedule::pieces; none where the outputs are bits
};

constexpr uint32_t kSectionLines = 512;

struct Schedule {
  uint32_t n_inputs = 0, n_outputs = 0;
  uint32_t n_slots = 1;       // slot 0 is constant false
  uint32_t output_slot = 0;   // where the outputs are bits; a multiple of 8
  std::vector<Input> inputs;  // the live ones, by index
  std::vector<Step> steps;    // those before first_step of the first section come first
  std::vector<Section> sections;
  std::vector<Piece> pieces;
  std::vector<uint32_t> counted;
  std::vector<uint32_t> ones;  // of each group: outputs that are constant true, and on no line
  std::vector<Lut> luts;
  // Of each gate the slots in0, in1, in2 and out: 16 bits each of one word or, where `wide`, 32
  // bits each of two.
  bool wide = false;
  std::vector<uint64_t> operands;
  std::vector<uint32_t> lut_operands;  // k sources and the target

  uint32_t main_steps() const {
    return sections.empty() ? static_cast<uint32_t>(steps.size()) : sections.front().first_step;
  }
};

// With groups, which must divide the outputs, these are ordered and counted by group. Otherwise
// they stay in the order of the program.
Schedule schedule(const Program& program, uint32_t groups);

}  // namespace lgnx
