// The gates that a program needs, as operations of the engine.
#pragma once
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "operation.h"
#include "program.h"

namespace lgnx {

constexpr uint32_t kUnused = ~0u;

struct Gate {
  uint32_t op;     // kUnused: no output needs it, or it became part of another gate
  uint32_t in[3];  // wires; of a Lut in[0] is the index of its fan-ins among all of the program
};

// Gate i drives wire 1 + n_inputs + i, as in the program.
//
// A gate of two inputs that only one gate of two inputs reads becomes part of that one: its result
// then never goes through memory. Gates that are outputs take none in: they are evaluated in small
// sections, where more operations than needed would cost more than they save.
class GateList {
 public:
  explicit GateList(const Program& program);

  std::vector<Gate> gates;
  std::vector<Lut> luts;
  std::vector<uint32_t> uses;      // of each wire: reads by gates and by outputs
  std::vector<uint8_t> is_output;  // of each gate

  // Number of inputs, of which those that are ignored count too.
  uint32_t fan_in(const Gate& gate) const {
    return gate.op < kFirstFused ? 2 : is_fused(gate.op) ? 3 : luts[gate.op - kFirstLut].k;
  }
  const uint32_t* sources(const Gate& gate) const {
    return gate.op < kFirstLut ? gate.in : fanins_ + gate.in[0];
  }
  // A gate that gives the complement.
  Gate complement(Gate gate);

 private:
  void flatten(const Program& program);
  void count_uses(const Program& program);
  void fuse(uint64_t first_gate);
  uint32_t lut(uint32_t k, uint64_t table);

  const uint32_t* fanins_;  // of the program, which must outlive this
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> lut_ops_;
};

}  // namespace lgnx
