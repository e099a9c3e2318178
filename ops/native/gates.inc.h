// The gate loop: all gates of a step, one after another, on whole lines.
#pragma once
#include <utility>

#include "vectors.inc.h"

namespace lgnx {
namespace {

// The function of two inputs whose truth table is T.
template <unsigned T, class V>
inline V gate2(V a, V b) {
  if constexpr (T == 0x0) return a ^ a;
  if constexpr (T == 0x1) return ~(a | b);
  if constexpr (T == 0x2) return a & ~b;
  if constexpr (T == 0x3) return ~b;
  if constexpr (T == 0x4) return b & ~a;
  if constexpr (T == 0x5) return ~a;
  if constexpr (T == 0x6) return a ^ b;
  if constexpr (T == 0x7) return ~(a & b);
  if constexpr (T == 0x8) return a & b;
  if constexpr (T == 0x9) return ~(a ^ b);
  if constexpr (T == 0xA) return a;
  if constexpr (T == 0xB) return a | ~b;
  if constexpr (T == 0xC) return b;
  if constexpr (T == 0xD) return b | ~a;
  if constexpr (T == 0xE) return a | b;
  return ~(a ^ a);
}

// The slots of a gate, read in one go.
struct Narrow {
  static constexpr size_t kWords = 1;
  uint64_t word;
  explicit Narrow(const uint64_t* operands) : word(*operands) {}
  size_t in0() const { return static_cast<uint16_t>(word); }
  size_t in1() const { return static_cast<uint16_t>(word >> 16); }
  size_t in2() const { return static_cast<uint16_t>(word >> 32); }
  size_t out() const { return word >> 48; }
};

struct Wide {
  static constexpr size_t kWords = 2;
  uint64_t first, second;
  explicit Wide(const uint64_t* operands) : first(operands[0]), second(operands[1]) {}
  size_t in0() const { return static_cast<uint32_t>(first); }
  size_t in1() const { return first >> 32; }
  size_t in2() const { return static_cast<uint32_t>(second); }
  size_t out() const { return second >> 32; }
};

// Calls gate(operands) for every gate. Short lines take several gates a turn: there the loop itself
// is a good part of the work.
template <class Slots, size_t M, class Gate>
inline void each_gate(const uint64_t* operands, uint32_t count, Gate&& gate) {
  constexpr uint32_t kTurn = M == 1 ? 4 : 1;
  const uint64_t* end = operands + size_t{count} * Slots::kWords;
  const uint64_t* whole = operands + size_t{count / kTurn * kTurn} * Slots::kWords;
  while (operands != whole)
#pragma GCC unroll 4
    for (uint32_t i = 0; i < kTurn; ++i, operands += Slots::kWords) gate(Slots(operands));
  for (; operands != end; operands += Slots::kWords) gate(Slots(operands));
}

// The target may be one of the sources: each part of a line is read before it is written.
template <unsigned T, class Slots, class V, size_t M>
void run2(const uint64_t* operands, uint32_t count, V* lines) {
  each_gate<Slots, M>(operands, count, [=](const Slots& slots) __attribute__((always_inline)) {
    const V *a = lines + slots.in0() * M, *b = lines + slots.in1() * M;
    V* y = lines + slots.out() * M;
#pragma GCC unroll 16
    for (size_t m = 0; m < M; ++m) y[m] = gate2<T, V>(a[m], b[m]);
  });
}

template <unsigned Inner, unsigned T, class Slots, class V, size_t M>
void run3(const uint64_t* operands, uint32_t count, V* lines) {
  each_gate<Slots, M>(operands, count, [=](const Slots& slots) __attribute__((always_inline)) {
    const V *a = lines + slots.in0() * M, *b = lines + slots.in1() * M,
            *c = lines + slots.in2() * M;
    V* y = lines + slots.out() * M;
#pragma GCC unroll 16
    for (size_t m = 0; m < M; ++m) y[m] = gate2<T, V>(gate2<Inner, V>(a[m], b[m]), c[m]);
  });
}

// A table of k inputs as a tree of multiplexers over its leaves: pairs of table bits in x_0.
template <class V, size_t M>
void run_lut(const Lut& lut, const uint32_t* operands, uint32_t count, V* lines) {
  const uint32_t k = lut.k, leaves = 1u << (k - 1);
  for (uint32_t g = 0; g < count; ++g, operands += k + 1)
    for (size_t m = 0; m < M; ++m) {
      V x[6], node[32];
      for (uint32_t i = 0; i < k; ++i) x[i] = lines[size_t{operands[i]} * M + m];
      const V zero = x[0] ^ x[0];
      for (uint32_t j = 0; j < leaves; ++j) {
        const unsigned pair = lut.table >> (2 * j) & 3;
        node[j] = pair == 0 ? zero : pair == 1 ? ~x[0] : pair == 2 ? x[0] : ~zero;
      }
      for (uint32_t i = 1, width = leaves / 2; i < k; ++i, width /= 2)
        for (uint32_t j = 0; j < width; ++j)
          node[j] = node[2 * j] ^ (x[i] & (node[2 * j] ^ node[2 * j + 1]));
      lines[size_t{operands[k]} * M + m] = node[0];
    }
}

template <class V>
using Loop = void (*)(const uint64_t* operands, uint32_t count, V* lines);

// The loop of operation Op below kFirstLut; of those that no schedule has, any.
template <unsigned Op, class Slots, class V, size_t M>
constexpr Loop<V> loop_of() {
  if constexpr (Op < kFirstFused) {
    return run2 < Op == 0x3 || Op == 0x4 || Op == 0xC || Op == 0xD ? 0u : Op, Slots, V, M > ;
  } else {
    constexpr unsigned kTable = (Op - kFirstFused) % 16;
    constexpr bool kNever = kTable == 0x0 || kTable == 0x3 || kTable == 0x5 || kTable == 0xA ||
                            kTable == 0xC || kTable == 0xF;
    return run3 < kInner[(Op - kFirstFused) / 16], kNever ? 8u : kTable, Slots, V, M > ;
  }
}

template <class V>
struct Loops {
  Loop<V> of[kFirstLut];
};

template <class Slots, class V, size_t M, unsigned... Op>
constexpr Loops<V> make_loops(std::integer_sequence<unsigned, Op...>) {
  return {{loop_of<Op, Slots, V, M>()...}};
}

template <class Slots, class V, size_t M>
void run_steps(const Schedule& schedule, uint32_t first, uint32_t last, V* lines) {
  static constexpr Loops<V> kLoops =
      make_loops<Slots, V, M>(std::make_integer_sequence<unsigned, kFirstLut>());
  for (uint32_t i = first; i < last; ++i) {
    const Step& step = schedule.steps[i];
    if (step.op < kFirstLut)
      kLoops.of[step.op](schedule.operands.data() + step.first, step.count, lines);
    else
      run_lut<V, M>(schedule.luts[step.op - kFirstLut], schedule.lut_operands.data() + step.first,
                    step.count, lines);
  }
}

template <size_t Words>
void execute_words(const Schedule& schedule, uint32_t first, uint32_t last, uint64_t* words) {
  typedef Vector<Words> V;
  constexpr size_t kParts = Words * 8 / sizeof(V);
  V* lines = reinterpret_cast<V*>(words);
  if (schedule.wide)
    run_steps<Wide, V, kParts>(schedule, first, last, lines);
  else
    run_steps<Narrow, V, kParts>(schedule, first, last, lines);
}

void execute(const Schedule& schedule, uint32_t first, uint32_t last, uint64_t* lines,
             size_t words) {
  switch (words) {
    case 1:
      return execute_words<1>(schedule, first, last, lines);
    case 4:
      return execute_words<4>(schedule, first, last, lines);
    case 8:
      return execute_words<8>(schedule, first, last, lines);
    default:
      return execute_words<16>(schedule, first, last, lines);
  }
}

}  // namespace
}  // namespace lgnx
