// The gate loop: all gates of a step, one after another, on whole lines.
#pragma once
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

template <unsigned T, class V, size_t M>
void run2(const uint32_t* operands, uint32_t count, V* lines) {
  for (uint32_t g = 0; g < count; ++g, operands += 3) {
    const V* a = lines + size_t{operands[0]} * M;
    const V* b = lines + size_t{operands[1]} * M;
    V* y = lines + size_t{operands[2]} * M;
    // The target may be one of the sources: each part is read before it is written.
#pragma GCC unroll 16
    for (size_t m = 0; m < M; ++m) y[m] = gate2<T, V>(a[m], b[m]);
  }
}

// A table of k inputs as a tree of multiplexers over its leaves: pairs of table bits in x_0.
template <class V, size_t M>
void run_k(const Step& step, const uint32_t* operands, V* lines) {
  const uint32_t k = step.k, leaves = 1u << (k - 1);
  for (uint32_t g = 0; g < step.count; ++g, operands += k + 1)
    for (size_t m = 0; m < M; ++m) {
      V x[6], node[32];
      for (uint32_t i = 0; i < k; ++i) x[i] = lines[size_t{operands[i]} * M + m];
      const V zero = x[0] ^ x[0];
      for (uint32_t j = 0; j < leaves; ++j) {
        const unsigned pair = step.table >> (2 * j) & 3;
        node[j] = pair == 0 ? zero : pair == 1 ? ~x[0] : pair == 2 ? x[0] : ~zero;
      }
      for (uint32_t i = 1, width = leaves / 2; i < k; ++i, width /= 2)
        for (uint32_t j = 0; j < width; ++j)
          node[j] = node[2 * j] ^ (x[i] & (node[2 * j] ^ node[2 * j + 1]));
      lines[size_t{operands[k]} * M + m] = node[0];
    }
}

template <class V, size_t M>
void run_steps(const Schedule& schedule, uint64_t* words) {
  V* lines = reinterpret_cast<V*>(words);
  for (const Step& step : schedule.steps) {
    const uint32_t* operands = schedule.operands.data() + step.first;
    if (step.k != 2) {
      run_k<V, M>(step, operands, lines);
      continue;
    }
    switch (step.table) {
#define LGNX_GATE(T)                            \
  case T:                                       \
    run2<T, V, M>(operands, step.count, lines); \
    break;
      // clang-format off
      LGNX_GATE(0x0) LGNX_GATE(0x1) LGNX_GATE(0x2) LGNX_GATE(0x3)
      LGNX_GATE(0x4) LGNX_GATE(0x5) LGNX_GATE(0x6) LGNX_GATE(0x7)
      LGNX_GATE(0x8) LGNX_GATE(0x9) LGNX_GATE(0xA) LGNX_GATE(0xB)
      LGNX_GATE(0xC) LGNX_GATE(0xD) LGNX_GATE(0xE) LGNX_GATE(0xF)
      // clang-format on
#undef LGNX_GATE
    }
  }
}

template <size_t Words>
void execute_words(const Schedule& schedule, uint64_t* lines) {
  run_steps<Vector<Words>, Words * 8 / sizeof(Vector<Words>)>(schedule, lines);
}

void execute(const Schedule& schedule, uint64_t* lines, size_t words) {
  switch (words) {
    case 1:
      return execute_words<1>(schedule, lines);
    case 4:
      return execute_words<4>(schedule, lines);
    case 8:
      return execute_words<8>(schedule, lines);
    default:
      return execute_words<16>(schedule, lines);
  }
}

}  // namespace
}  // namespace lgnx
