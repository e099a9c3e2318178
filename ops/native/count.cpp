#include "count.h"

#include <cmath>
#include <cstring>
#include <string>

#include "error.h"

namespace lgnx {
namespace {

template <class T>
T score(const Scale& scale, uint32_t count) {
  T value = static_cast<T>(count);
  if (scale.bias != 0) value = static_cast<T>(value + static_cast<T>(scale.bias));
  if (scale.tau != 1) value = static_cast<T>(value / static_cast<T>(scale.tau));
  if (scale.beta != 0) value = static_cast<T>(value + static_cast<T>(scale.beta));
  return value;
}

template <class T>
T whole_score(const Scale& scale, uint32_t count) {
  // Unsigned arithmetic wraps like numpy's.
  return static_cast<T>(static_cast<uint64_t>(count) +
                        static_cast<uint64_t>(static_cast<T>(scale.bias)) +
                        static_cast<uint64_t>(static_cast<T>(scale.beta)));
}

template <class T>
void store(T value, char* out) {
  std::memcpy(out, &value, sizeof value);
}

}  // namespace

void check_scale(const Scale& scale, uint64_t n_outputs) {
  require(scale.groups >= 1, "attribute groups: must be at least 1");
  require(n_outputs % scale.groups == 0, "attribute groups: is " + std::to_string(scale.groups) +
                                             ", which does not divide " +
                                             std::to_string(n_outputs) + " bits");
  require(std::isfinite(scale.tau) && scale.tau > 0,
          "attribute tau: is " + std::to_string(scale.tau) + ", must be finite and greater than 0");
  require(std::isfinite(scale.bias), "attribute bias: must be finite");
  require(std::isfinite(scale.beta), "attribute beta: must be finite");
  switch (scale.type) {
    case Type::kFloat:
    case Type::kDouble:
      return;
    case Type::kInt32:
    case Type::kInt64: {
      require(scale.tau == 1, "attribute tau: must be 1 for integer scores");
      const float limit = scale.type == Type::kInt32 ? 0x1p31f : 0x1p63f;
      for (float value : {scale.bias, scale.beta})
        require(value == std::trunc(value) && value >= -limit && value < limit,
                "attributes bias and beta: must be whole numbers in range for integer scores");
      return;
    }
    default:
      throw Error("attribute dtype: must be 1 (float), 11 (double), 6 (int32) or 7 (int64)");
  }
}

void write_score(const Scale& scale, uint32_t count, char* out) {
  switch (scale.type) {
    case Type::kFloat:
      return store(score<float>(scale, count), out);
    case Type::kDouble:
      return store(score<double>(scale, count), out);
    case Type::kInt32:
      return store(whole_score<int32_t>(scale, count), out);
    default:
      return store(whole_score<int64_t>(scale, count), out);
  }
}

}  // namespace lgnx
