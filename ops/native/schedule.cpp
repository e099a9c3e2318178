#include "schedule.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "gate_list.h"

namespace lgnx {
namespace {

class Scheduler {
 public:
  Scheduler(const Program& program, uint32_t groups)
      : program_(program),
        list_(program),
        groups_(groups),
        first_gate_(1 + uint64_t{program.n_inputs}),
        slot_(list_.uses.size(), 0) {
    result_.n_inputs = program.n_inputs;
    result_.n_outputs = static_cast<uint32_t>(program.outputs.size());
    place_inputs();
    place_gates();
    place_outputs();
    result_.luts = std::move(list_.luts);
    result_.wide = result_.n_slots > 1u << 16;
    if (!result_.wide) narrow();
  }

  Schedule take() { return std::move(result_); }

 private:
  bool is_gate(uint32_t wire) const { return wire >= first_gate_; }
  Gate& gate(uint32_t wire) { return list_.gates[wire - first_gate_]; }

  void place_inputs() {
    for (uint32_t i = 0; i < program_.n_inputs; ++i)
      if (list_.uses[1 + i]) {
        slot_[1 + i] = next_++;
        result_.inputs.push_back({i, slot_[1 + i]});
      }
  }

  // A gate that is one output and nothing else is left to its section.
  bool of_section(size_t i) const { return list_.is_output[i] && list_.uses[first_gate_ + i] == 1; }

  // Gates by level, and within a level by operation.
  std::vector<uint32_t> order(std::vector<uint32_t>* level) const {
    const size_t n = list_.gates.size();
    level->assign(n, 0);
    std::vector<uint32_t> chosen;
    uint32_t depth = 0;
    for (size_t i = 0; i < n; ++i) {
      const Gate& g = list_.gates[i];
      if (g.op == kUnused || of_section(i)) continue;
      const uint32_t* in = list_.sources(g);
      uint32_t largest = 0;
      for (uint32_t s = 0; s < list_.fan_in(g); ++s)
        if (is_gate(in[s])) largest = std::max(largest, (*level)[in[s] - first_gate_]);
      (*level)[i] = largest + 1;
      depth = std::max(depth, largest + 1);
      chosen.push_back(static_cast<uint32_t>(i));
    }
    const size_t n_ops = kFirstLut + list_.luts.size();
    sort_by(chosen, n_ops, [&](uint32_t i) { return list_.gates[i].op; });
    sort_by(chosen, depth + 1, [&](uint32_t i) { return (*level)[i]; });
    return chosen;
  }

  // Stable, by keys below `limit`.
  template <class Key>
  static void sort_by(std::vector<uint32_t>& items, size_t limit, Key&& key) {
    std::vector<uint32_t> at(limit + 1, 0), sorted(items.size());
    for (uint32_t i : items) ++at[key(i) + 1];
    std::partial_sum(at.begin(), at.end(), at.begin());
    for (uint32_t i : items) sorted[at[key(i)]++] = i;
    items.swap(sorted);
  }

  void place_gates() {
    std::vector<uint32_t> level;
    std::vector<uint32_t> gates = order(&level);
    std::vector<uint64_t> keys;
    for (size_t begin = 0, end; begin < gates.size(); begin = end) {
      const uint32_t op = list_.gates[gates[begin]].op;
      for (end = begin; end < gates.size() && level[gates[end]] == level[gates[begin]] &&
                        list_.gates[gates[end]].op == op;)
        ++end;
      // Lines are read in the order that they lie in.
      keys.clear();
      for (size_t i = begin; i < end; ++i) {
        const uint32_t first = list_.sources(list_.gates[gates[i]])[0];
        keys.push_back(uint64_t{slot_[first]} << 32 | gates[i]);
      }
      std::sort(keys.begin(), keys.end());
      open_step(op);
      for (const uint64_t key : keys) {
        const uint32_t i = static_cast<uint32_t>(key);
        const Gate& g = list_.gates[i];
        release_sources(g);
        const uint32_t target = take_slot();
        slot_[first_gate_ + i] = target;
        add(g, target);
      }
    }
  }

  // An output of a section.
  struct Output {
    Gate gate;       // writes its line
    uint32_t group;  // 0 where the outputs are bits
    uint32_t slot;   // where it lies already, or 0
    uint32_t complement;
  };

  // A line that a section writes.
  struct Line {
    const Gate* gate;
    uint32_t place;  // of its slot in Schedule::counted; or the slot, where the outputs are bits
    bool is_copy;    // reads an output that has a line, which stays
  };

  Output output(uint32_t literal, uint32_t group) {
    const uint32_t wire = literal >> 1, complement = literal & 1;
    if (wire == 0) return {{complement ? 0xFu : 0x0u, {}}, group, 0, 0};
    if (slot_[wire])
      return {{complement ? 0x5u : 0xAu, {wire, wire, 0}}, group, slot_[wire], complement};
    return {complement ? list_.complement(gate(wire)) : gate(wire), group, 0, 0};
  }

  void place_outputs() {
    if (!groups_) result_.output_slot = next_ = (next_ + 7) / 8 * 8;
    std::vector<Output> outputs;
    outputs.reserve(program_.outputs.size());
    const size_t size = program_.outputs.size() / std::max(1u, groups_);
    result_.ones.assign(groups_, 0);
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      const Output o = output(program_.outputs[i], static_cast<uint32_t>(i / size));
      if (groups_ && (o.gate.op == 0x0 || o.gate.op == 0xF))
        result_.ones[o.group] += o.gate.op == 0xF;
      else
        outputs.push_back(o);
    }
    // By group, first those that have no line yet, by operation.
    if (groups_)
      std::stable_sort(outputs.begin(), outputs.end(), [](const Output& a, const Output& b) {
        if (a.group != b.group) return a.group < b.group;
        if (!a.slot != !b.slot) return !a.slot;
        if (a.slot) return a.complement != b.complement ? !a.complement : a.slot < b.slot;
        return a.gate.op < b.gate.op;
      });
    // Sections of about as many lines, of whole tiles where they are unpacked. A group may need a
    // few more, for complements that do not fill a vector.
    const size_t n = outputs.size();
    const auto written = [&](size_t i) -> size_t {
      if (!groups_) return 1;
      const bool new_group = i == 0 || outputs[i].group != outputs[i - 1].group;
      return (outputs[i].slot ? 0 : 1) + (new_group ? kCountedTogether - 1 : 0);
    };
    size_t lines = 0;
    for (size_t i = 0; i < n; ++i) lines += written(i);
    const size_t sections = (lines + kSectionLines - 1) / kSectionLines;
    size_t each = sections ? (lines + sections - 1) / sections : 0;
    if (!groups_) each = (each + 63) / 64 * 64;
    for (size_t begin = 0, end; begin < n; begin = end) {
      size_t sum = written(end = begin);
      while (++end < n && sum + written(end) <= each) sum += written(end);
      place_section(outputs.data() + begin, end - begin);
    }
    result_.n_slots = groups_ ? next_ : next_ + largest_section_;
  }

  void place_section(const Output* outputs, size_t n) {
    Section section{static_cast<uint32_t>(result_.steps.size()), 0, 0,
                    static_cast<uint32_t>(result_.pieces.size()), 0};
    std::vector<Line> lines;
    if (groups_) {
      for (size_t i = 0; i < n;) {
        const size_t begin = i;
        while (i < n && outputs[i].group == outputs[begin].group) ++i;
        place_piece(outputs + begin, i - begin, &lines);
      }
    } else {
      for (size_t i = 0; i < n; ++i)
        lines.push_back({&outputs[i].gate, next_ + static_cast<uint32_t>(i), false});
    }
    section.lines = static_cast<uint32_t>(lines.size());
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.gate->op < b.gate->op; });
    std::vector<uint32_t> targets;
    for (const Line& line : lines) {
      const Gate& g = *line.gate;
      if (section.first_step == result_.steps.size() || result_.steps.back().op != g.op)
        open_step(g.op);
      if (groups_) {
        if (!line.is_copy) release_sources(g);
        targets.push_back(result_.counted[line.place] = take_slot());
      }
      add(g, groups_ ? targets.back() : line.place);
    }
    // The next section may write there again.
    free_slots_.insert(free_slots_.end(), targets.begin(), targets.end());
    section.last_step = static_cast<uint32_t>(result_.steps.size());
    section.last_piece = static_cast<uint32_t>(result_.pieces.size());
    result_.sections.push_back(section);
    largest_section_ = std::max(largest_section_, section.lines);
  }

  // Outputs of one group; those that have no line yet are added to `lines`.
  void place_piece(const Output* outputs, size_t n, std::vector<Line>* lines) {
    std::vector<const Output*> plain, complemented;
    for (size_t i = 0; i < n; ++i)
      (outputs[i].slot && outputs[i].complement ? complemented : plain).push_back(outputs + i);
    // Whole vectors of either. Complements that do not fill one get lines; the line of slot 0
    // counts nothing.
    const size_t whole = complemented.size() / kCountedTogether * kCountedTogether;
    plain.insert(plain.end(), complemented.begin() + static_cast<std::ptrdiff_t>(whole),
                 complemented.end());
    complemented.resize(whole);
    Piece piece{outputs->group, result_.counted.size(), 0, static_cast<uint32_t>(whole)};
    for (const Output* o : plain) {
      const bool has_line = o->slot && !o->complement;
      if (!has_line)
        lines->push_back({&o->gate, static_cast<uint32_t>(result_.counted.size()), o->slot != 0});
      result_.counted.push_back(has_line ? o->slot : 0);
    }
    while ((result_.counted.size() - piece.first) % kCountedTogether) result_.counted.push_back(0);
    piece.count = static_cast<uint32_t>(result_.counted.size() - piece.first);
    for (const Output* o : complemented) result_.counted.push_back(o->slot);
    result_.pieces.push_back(piece);
  }

  // Frees the slots that the gate reads for the last time.
  void release_sources(const Gate& g) {
    const uint32_t* in = list_.sources(g);
    for (uint32_t s = 0; s < list_.fan_in(g); ++s)
      if (in[s] && --list_.uses[in[s]] == 0) free_slots_.push_back(slot_[in[s]]);
  }

  // The slot that was freed last, whose line is the likeliest to be cached.
  uint32_t take_slot() {
    if (free_slots_.empty()) return next_++;
    const uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }

  void open_step(uint32_t op) {
    const size_t first = op < kFirstLut ? result_.operands.size() : result_.lut_operands.size();
    result_.steps.push_back({op, 0, first});
  }

  // Adds a gate to the last step.
  void add(const Gate& g, uint32_t target) {
    const uint32_t* in = list_.sources(g);
    ++result_.steps.back().count;
    if (g.op >= kFirstLut) {
      for (uint32_t s = 0; s < list_.fan_in(g); ++s) result_.lut_operands.push_back(slot_[in[s]]);
      result_.lut_operands.push_back(target);
      return;
    }
    const uint64_t third = is_fused(g.op) ? slot_[in[2]] : 0;
    result_.operands.push_back(slot_[in[0]] | uint64_t{slot_[in[1]]} << 32);
    result_.operands.push_back(third | uint64_t{target} << 32);
  }

  // From two words for each gate to one.
  void narrow() {
    std::vector<uint64_t>& words = result_.operands;
    for (size_t i = 0; i < words.size() / 2; ++i) {
      const uint64_t first = words[2 * i], second = words[2 * i + 1];
      words[i] =
          (first & 0xFFFF) | (first >> 32) << 16 | (second & 0xFFFF) << 32 | (second >> 32) << 48;
    }
    words.resize(words.size() / 2);
    words.shrink_to_fit();
    for (Step& step : result_.steps)
      if (step.op < kFirstLut) step.first /= 2;
  }

  const Program& program_;
  GateList list_;
  uint32_t groups_;
  uint64_t first_gate_;
  std::vector<uint32_t> slot_;  // of each wire, 0 until it has one
  uint32_t next_ = 1;           // the first slot that was never used
  uint32_t largest_section_ = 0;
  std::vector<uint32_t> free_slots_;
  Schedule result_;
};

}  // namespace

Schedule schedule(const Program& program, uint32_t groups) {
  return Scheduler(program, groups).take();
}

}  // namespace lgnx
