// A scheduled program behind a kernel: from rows of numbers to bits or scores.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine.h"
#include "ort_api.h"

namespace lgnx {

// Thresholds spread over the bits of one sample. Owns its values.
class ThresholdTable {
 public:
  // `thresholds` must broadcast against x with an axis appended; `x_shape` includes the batch.
  ThresholdTable(const ort::Tensor& thresholds, const std::vector<int64_t>& x_shape, bool strict);
  const Thresholds& view() const { return view_; }

 private:
  std::vector<char> values_;
  Thresholds view_;
};

// Number of features of one sample; throws Error unless x has a batch axis.
uint64_t features(const ort::Tensor& x);

// Runs the program on every sample of x, blocks side by side. Writes bits where scale.groups is 0,
// else scores.
void run_network(const ort::Context& context, const Schedule& schedule, const RowSource& source,
                 uint64_t batch, const Scale& scale, void* out);

}  // namespace lgnx
