// Where the bits of a sample come from: a row of numbers, with thresholds or a test for nonzero.
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

// Thresholds laid out for the row pass: entry i belongs to bit i of the flattened row. A view.
struct Thresholds {
  const char* values;  // of the type of x; float16 as float
  uint32_t per_feature;
  bool strict;
};

struct RowSource {
  const char* x;  // [batch][features] of `type`
  Type type;
  uint64_t features;
  uint64_t bits;                 // features * thresholds per feature
  const Thresholds* thresholds;  // nullptr: a bit is x != 0
};

}  // namespace lgnx
