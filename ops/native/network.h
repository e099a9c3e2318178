// A scheduled program behind a kernel: from rows of numbers to bits or scores.
#pragma once
#include <cstdint>
#include <vector>

#include "engine.h"
#include "ort_api.h"

namespace lgnx {

// Thresholds spread over the bits of one sample. Owns its values.
class ThresholdTable {
 public:
  // `thresholds` must broadcast against x with an axis appended; `x_shape` includes the batch.
  ThresholdTable(const ort::Tensor& thresholds, const std::vector<int64_t>& x_shape);
  uint64_t features() const { return features_; }
  uint64_t per_feature() const { return per_feature_; }
  // Entry f * per_feature + b is threshold b of feature f; float16 as float.
  const char* values() const { return values_.data(); }
  // The same by plane, as the row pass wants them.
  std::vector<char> planes(const RowLayout& layout) const;

 private:
  std::vector<char> values_;
  uint64_t features_, per_feature_;
  size_t size_;  // bytes of a value
};

// Number of features of one sample; throws Error unless x has a batch axis.
uint64_t features(const ort::Tensor& x);

// Runs all blocks of a batch, side by side.
void run_batch(const ort::Context& context, const Batch& batch);

}  // namespace lgnx
