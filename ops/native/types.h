// The element types of tensors.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lgnx {

// Numbered as in ONNX's TensorProto.
enum class Type : int {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
};

size_t type_size(Type type);  // bytes, 0 for what is not supported
const char* type_name(Type type);

// An IEEE half as the float of the same value.
float half_to_float(uint16_t half);

}  // namespace lgnx
