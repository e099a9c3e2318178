// Group sums: counts of ones among the outputs, scaled to scores.
#pragma once
#include <cstddef>
#include <cstdint>

#include "types.h"

namespace lgnx {

// score = (count + bias) / tau + beta, each step in the type of the score.
struct Scale {
  uint32_t groups = 0;  // 0: the outputs are bits
  float bias = 0, tau = 1, beta = 0;
  Type type = Type::kBool;
};

// Throws Error naming the attribute, as lgnx.check does.
void check_scale(const Scale& scale, uint64_t n_outputs);

// Writes the score of one count at `out`.
void write_score(const Scale& scale, uint32_t count, char* out);

}  // namespace lgnx
