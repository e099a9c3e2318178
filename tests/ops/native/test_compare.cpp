// Bits of rows as bytes, in the order of the inputs.
#include <doctest/doctest.h>

#include "numbers.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

TEST_CASE("comparisons of every type") {
  Random random(12);
  for (Type type : kTypes)
    for (uint32_t features : {1, 5, 64, 130})
      for (uint32_t per_feature : {1, 2, 33})
        for (bool strict : {false, true}) {
          const Type limit_type = reference::threshold_type(type);
          const size_t size = type_size(type), limit_size = type_size(limit_type);
          const size_t n = size_t{features} * per_feature;
          const std::vector<char> x = random_numbers(random, type, features);
          const std::vector<char> limits = random_numbers(random, limit_type, n);
          std::vector<uint8_t> want(n);
          for (size_t i = 0; i < n; ++i)
            want[i] = reference::row_bit(type, x.data() + i / per_feature * size,
                                         limits.data() + i * limit_size, strict);
          for (const Kernels* k : variants()) {
            CAPTURE(k->name);
            CAPTURE(type_name(type));
            std::vector<uint8_t> out(n, 7);
            k->compare(x.data(), type, limits.data(), strict, features, per_feature, out.data());
            CHECK(out == want);
          }
        }
}
