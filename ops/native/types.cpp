#include "types.h"

#include <cstring>

namespace lgnx {

size_t type_size(Type type) {
  switch (type) {
    case Type::kBool:
    case Type::kUint8:
    case Type::kInt8:
      return 1;
    case Type::kUint16:
    case Type::kInt16:
    case Type::kFloat16:
      return 2;
    case Type::kFloat:
    case Type::kInt32:
    case Type::kUint32:
      return 4;
    case Type::kDouble:
    case Type::kInt64:
    case Type::kUint64:
      return 8;
    default:
      return 0;
  }
}

const char* type_name(Type type) {
  switch (type) {
    case Type::kBool:
      return "bool";
    case Type::kUint8:
      return "uint8";
    case Type::kInt8:
      return "int8";
    case Type::kUint16:
      return "uint16";
    case Type::kInt16:
      return "int16";
    case Type::kFloat16:
      return "float16";
    case Type::kFloat:
      return "float32";
    case Type::kInt32:
      return "int32";
    case Type::kUint32:
      return "uint32";
    case Type::kDouble:
      return "float64";
    case Type::kInt64:
      return "int64";
    case Type::kUint64:
      return "uint64";
    default:
      return "an unsupported type";
  }
}

float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t{half} >> 15 << 31;
  uint32_t exponent = half >> 10 & 0x1F, fraction = half & 0x3FF, bits;
  if (exponent == 0x1F) {
    bits = sign | 0x7F800000u | fraction << 13;
  } else if (exponent) {
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  } else if (fraction) {  // subnormal: shift the leading one into place
    exponent = 113;
    while (!(fraction & 0x400)) fraction <<= 1, --exponent;
    bits = sign | exponent << 23 | (fraction & 0x3FF) << 13;
  } else {
    bits = sign;
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace lgnx
