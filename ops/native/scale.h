// The attributes that GroupSum and LogicNetwork share.
#pragma once
#include "count.h"
#include "ort_api.h"

namespace lgnx::ort {

inline Scale read_scale(const Info& info, int64_t default_type) {
  const int64_t groups = info.attribute("groups", int64_t{0});
  require(groups >= 0 && groups < int64_t{1} << 31,
          "attribute groups: is " + std::to_string(groups) + ", which is out of range");
  Scale scale;
  scale.groups = static_cast<uint32_t>(groups);
  scale.bias = info.attribute("bias", 0.0f);
  scale.tau = info.attribute("tau", 1.0f);
  scale.beta = info.attribute("beta", 0.0f);
  scale.type = static_cast<Type>(info.attribute("dtype", default_type));
  return scale;
}

// Type of the output during shape inference. One that does not exist is left to the kernel to
// refuse, whose message names it.
inline Type score_type(const Shapes& shapes, int64_t default_type) {
  const Type type = static_cast<Type>(shapes.attribute("dtype", default_type));
  switch (type) {
    case Type::kBool:
    case Type::kFloat:
    case Type::kDouble:
    case Type::kInt32:
    case Type::kInt64:
      return type;
    default:
      return static_cast<Type>(default_type);
  }
}

}  // namespace lgnx::ort
