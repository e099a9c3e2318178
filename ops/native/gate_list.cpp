#include "gate_list.h"

#include <algorithm>

namespace lgnx {
namespace {

// One form for functions that differ by the order of their inputs, or that ignore one.
void normalise(Gate& gate) {
  switch (gate.op) {
    case 0x3:  // not b
    case 0xC:  // b
      gate.in[0] = gate.in[1];
      gate.op = gate.op == 0x3 ? 0x5 : 0xA;
      break;
    case 0x4:  // b and not a
    case 0xD:  // b or not a
      std::swap(gate.in[0], gate.in[1]);
      gate.op = gate.op == 0x4 ? 0x2 : 0xB;
      break;
    default:
      break;
  }
  if (gate.op == 0x5 || gate.op == 0xA) gate.in[1] = gate.in[0];
  if (gate.op == 0x0 || gate.op == 0xF) gate.in[0] = gate.in[1] = 0;
}

bool is_binary(uint32_t op) {
  return op < kFirstFused && op != 0x0 && op != 0xF && op != 0x5 && op != 0xA;
}

// Tables of T(b, a) and of T(not a, b).
uint32_t swap_inputs(uint32_t t) { return (t & 0x9) | (t & 0x2) << 1 | (t & 0x4) >> 1; }
uint32_t complement_first(uint32_t t) { return (t & 0x5) << 1 | (t & 0xA) >> 1; }

}  // namespace

GateList::GateList(const Program& program)
    : fanins_(program.runs.empty() ? nullptr : program.runs.front().fanins) {
  flatten(program);
  count_uses(program);
  fuse(1 + uint64_t{program.n_inputs});
}

uint32_t GateList::lut(uint32_t k, uint64_t table) {
  const auto [at, added] =
      lut_ops_.try_emplace({k, table}, kFirstLut + static_cast<uint32_t>(luts.size()));
  if (added) luts.push_back({k, table});
  return at->second;
}

Gate GateList::complement(Gate gate) {
  if (gate.op < kFirstFused) {
    gate.op ^= 0xF;
    normalise(gate);
  } else if (is_fused(gate.op)) {
    gate.op = kFirstFused + ((gate.op - kFirstFused) ^ 0xF);
  } else {
    const Lut& l = luts[gate.op - kFirstLut];
    gate.op = lut(l.k, l.table ^ table_mask(l.k));
  }
  return gate;
}

void GateList::flatten(const Program& program) {
  gates.reserve(program.n_gates);
  for (const Run& run : program.runs) {
    if (run.k > 2) {
      const uint32_t op = lut(run.k, run.table);
      const uint32_t first = static_cast<uint32_t>(run.fanins - fanins_);
      for (uint32_t g = 0; g < run.count; ++g) gates.push_back({op, {first + g * run.k, 0, 0}});
      continue;
    }
    const uint32_t table = static_cast<uint32_t>(run.table);
    for (uint32_t g = 0; g < run.count; ++g) {
      const uint32_t* in = run.fanins + uint64_t{g} * run.k;
      Gate gate =
          run.k == 2 ? Gate{table, {in[0], in[1], 0}} : Gate{table | table << 2, {in[0], in[0], 0}};
      normalise(gate);
      gates.push_back(gate);
    }
  }
}

void GateList::count_uses(const Program& program) {
  const uint64_t first_gate = 1 + uint64_t{program.n_inputs};
  uses.assign(first_gate + gates.size(), 0);
  is_output.assign(gates.size(), 0);
  for (uint32_t literal : program.outputs) {
    ++uses[literal >> 1];
    if (literal >> 1 >= first_gate) is_output[(literal >> 1) - first_gate] = 1;
  }
  for (size_t i = gates.size(); i-- > 0;) {
    Gate& gate = gates[i];
    if (!uses[first_gate + i]) {
      gate.op = kUnused;
      continue;
    }
    const uint32_t* in = sources(gate);
    for (uint32_t s = 0; s < fan_in(gate); ++s) ++uses[in[s]];
  }
}

void GateList::fuse(uint64_t first_gate) {
  // From the inputs on: a gate that has taken another in is not taken in itself.
  for (size_t i = 0; i < gates.size(); ++i) {
    Gate& gate = gates[i];
    if (gate.op == kUnused || !is_binary(gate.op) || is_output[i]) continue;
    for (uint32_t side = 0; side < 2; ++side) {
      const uint32_t wire = gate.in[side], other = gate.in[1 - side];
      if (wire < first_gate || uses[wire] != 1 || wire == other) continue;
      Gate& inner = gates[wire - first_gate];
      if (inner.op == kUnused || !is_binary(inner.op)) continue;
      uint32_t table = side ? swap_inputs(gate.op) : gate.op;
      Gate plain = inner;
      uint32_t form = static_cast<uint32_t>(std::find(kInner, kInner + 4, plain.op) - kInner);
      if (form == 4) {
        plain = complement(plain);
        form = static_cast<uint32_t>(std::find(kInner, kInner + 4, plain.op) - kInner);
        table = complement_first(table);
      }
      gate = {fused(form, table), {plain.in[0], plain.in[1], other}};
      inner.op = kUnused;
      uses[wire] = 0;
      break;
    }
  }
}

}  // namespace lgnx
