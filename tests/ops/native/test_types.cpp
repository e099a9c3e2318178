// The element types, and half precision.
#include <doctest/doctest.h>

#include "reference.h"
#include "testing.h"
#include "types.h"

using namespace lgnx;

TEST_CASE("sizes and names") {
  CHECK(type_size(Type::kBool) == 1);
  CHECK(type_size(Type::kUint8) == 1);
  CHECK(type_size(Type::kFloat16) == 2);
  CHECK(type_size(Type::kUint32) == 4);
  CHECK(type_size(Type::kInt64) == 8);
  CHECK(type_size(Type::kUndefined) == 0);
  CHECK(type_size(static_cast<Type>(8)) == 0);
  CHECK(type_size(static_cast<Type>(-1)) == 0);
  CHECK(std::string(type_name(Type::kFloat16)) == "float16");
  CHECK(std::string(type_name(static_cast<Type>(8))) == "an unsupported type");
}

TEST_CASE("every half is the float of the same value") {
  size_t wrong = 0;
  for (uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    const double want = reference::half(static_cast<uint16_t>(bits));
    wrong += std::isnan(want) ? !std::isnan(value)
                              : value != want || std::signbit(value) != std::signbit(want);
  }
  CHECK(wrong == 0);
}
