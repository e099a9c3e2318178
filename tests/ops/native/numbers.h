// Numbers of every type for the tests of rows: random ones, equal ones, and the special ones.
#pragma once
#include <limits>
#include <vector>

#include "testing.h"
#include "types.h"

namespace lgnx::testing {

constexpr Type kTypes[] = {Type::kFloat,   Type::kUint8,  Type::kInt8,   Type::kUint16,
                           Type::kInt16,   Type::kInt32,  Type::kInt64,  Type::kBool,
                           Type::kFloat16, Type::kDouble, Type::kUint32, Type::kUint64};

template <class T>
void write_number(Random& random, char* at) {
  typedef std::numeric_limits<T> Limits;
  T value{};
  switch (random.below(4)) {
    case 0: {
      const T special[] = {Limits::min(),
                           Limits::max(),
                           Limits::lowest(),
                           Limits::infinity(),
                           Limits::quiet_NaN(),
                           static_cast<T>(-Limits::infinity()),
                           T(0),
                           static_cast<T>(-T(0)),
                           Limits::denorm_min()};
      value = special[random.below(9)];
      break;
    }
    case 1: {
      const uint64_t any = random.word();
      std::memcpy(&value, &any, sizeof value);
      break;
    }
    default:  // few values, so that many are equal
      value = static_cast<T>(random.below(4));
  }
  std::memcpy(at, &value, sizeof value);
}

inline void write_number(Random& random, Type type, char* at) {
  switch (type) {
    case Type::kFloat:
      return write_number<float>(random, at);
    case Type::kDouble:
      return write_number<double>(random, at);
    case Type::kInt8:
      return write_number<int8_t>(random, at);
    case Type::kInt16:
      return write_number<int16_t>(random, at);
    case Type::kUint16:
      return write_number<uint16_t>(random, at);
    case Type::kInt32:
      return write_number<int32_t>(random, at);
    case Type::kUint32:
      return write_number<uint32_t>(random, at);
    case Type::kInt64:
      return write_number<int64_t>(random, at);
    case Type::kUint64:
      return write_number<uint64_t>(random, at);
    case Type::kFloat16: {
      const uint16_t special[] = {0, 0x8000, 0x3C00, 0x7C00, 0xFC00, 0x7E00, 0x0001, 0x4000};
      const uint16_t half =
          random.below(2) ? special[random.below(8)] : static_cast<uint16_t>(random.word());
      std::memcpy(at, &half, sizeof half);
      return;
    }
    default:
      return write_number<uint8_t>(random, at);
  }
}

// n numbers in memory of exactly their size.
inline std::vector<char> random_numbers(Random& random, Type type, size_t n) {
  const size_t size = type_size(type);
  std::vector<char> result(n * size);
  for (size_t i = 0; i < n; ++i) write_number(random, type, result.data() + i * size);
  return result;
}

}  // namespace lgnx::testing
