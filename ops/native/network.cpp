#include "network.h"

#include <cstring>
#include <string>

namespace lgnx {

uint64_t features(const ort::Tensor& x) {
  require(!x.shape.empty(), "input x: is a scalar, must have a batch axis");
  require(type_size(x.type) != 0, "input x: is of an unsupported element type");
  uint64_t n = 1;
  for (size_t i = 1; i < x.shape.size(); ++i) n *= static_cast<uint64_t>(x.shape[i]);
  return n;
}

ThresholdTable::ThresholdTable(const ort::Tensor& t, const std::vector<int64_t>& x_shape) {
  const size_t rank = x_shape.size() + 1;  // of x with its axis of thresholds
  const std::string misfit = "input thresholds: shape " + ort::format_shape(t.shape) +
                             " does not broadcast against x of shape " +
                             ort::format_shape(x_shape) + " with an axis added";
  require(!t.shape.empty() && t.shape.size() <= rank, misfit);
  const int64_t per_feature = t.shape.back();
  require(per_feature >= 1, "input thresholds: has no thresholds on its last axis");
  require(per_feature < int64_t{1} << 31, "input thresholds: too many on the last axis");
  // Steps of the flattened thresholds for one step along each axis of x but the batch.
  std::vector<int64_t> step(x_shape.size(), 0);
  int64_t stride = per_feature;
  for (size_t i = 1; i < t.shape.size(); ++i) {
    const size_t axis = x_shape.size() - i;  // counted from the last axis of x
    const int64_t extent = t.shape[t.shape.size() - 1 - i];
    if (extent != 1) {
      require(axis >= 1 && extent == x_shape[axis], misfit);
      step[axis] = stride;
    }
    stride *= extent;
  }
  uint64_t n = 1;
  for (size_t i = 1; i < x_shape.size(); ++i) n *= static_cast<uint64_t>(x_shape[i]);
  const bool half = t.type == Type::kFloat16;
  const size_t size = half ? sizeof(float) : type_size(t.type);
  require(size != 0, "input thresholds: is of an unsupported element type");
  values_.resize(n * static_cast<uint64_t>(per_feature) * size);
  std::vector<int64_t> at(x_shape.size(), 0);
  char* target = values_.data();
  for (uint64_t f = 0; f < n; ++f) {
    int64_t offset = 0;
    for (size_t axis = 1; axis < x_shape.size(); ++axis) offset += at[axis] * step[axis];
    if (half) {
      for (int64_t b = 0; b < per_feature; ++b) {
        const float value = half_to_float(t.as<uint16_t>()[offset + b]);
        std::memcpy(target + b * size, &value, size);
      }
    } else {
      std::memcpy(target, t.as<char>() + offset * size, per_feature * size);
    }
    target += per_feature * size;
    for (size_t axis = x_shape.size(); axis-- > 1;) {
      if (++at[axis] < x_shape[axis]) break;
      at[axis] = 0;
    }
  }
  features_ = n;
  per_feature_ = static_cast<uint64_t>(per_feature);
  size_ = size;
}

std::vector<char> ThresholdTable::planes(const RowLayout& layout) const {
  return by_plane(layout, values_.data(), size_);
}

void run_batch(const ort::Context& context, const Batch& batch) {
  if (batch.size) context.parallel_for(batch.blocks(), [&](size_t block) { batch.run(block); });
}

}  // namespace lgnx
