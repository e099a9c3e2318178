// From rows of numbers to the input lines of a block, of which a program may need few.
#include <doctest/doctest.h>

#include "numbers.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

TEST_CASE("inputs are packed from rows, the live ones alone") {
  Random random(13);
  const uint32_t shapes[][2] = {{1, 1}, {7, 9}, {70, 1}, {70, 3}, {2100, 1}, {1100, 2}};
  for (const auto& [features, per_feature] : shapes)
    for (uint32_t one_in : {1, 5, 100}) {
      // The program gives back its live inputs.
      const uint32_t n_inputs = features * per_feature;
      std::vector<uint32_t> outputs = {2 * n_inputs};
      for (uint32_t i = 0; i < n_inputs; ++i)
        if (random.below(one_in) == 0) outputs.push_back(2 * (1 + i));
      const Program program = parse(encode(n_inputs, {}, outputs));
      const RowLayout layout{features, per_feature};
      for (Type type : {Type::kUint8, Type::kFloat16, Type::kDouble})
        for (size_t words : kLineWords) {
          const uint64_t batch = 1 + random.below(64 * words + 20);
          const Type limit_type = reference::threshold_type(type);
          const size_t size = type_size(type), limit_size = type_size(limit_type);
          const std::vector<char> x = random_numbers(random, type, batch * features);
          const std::vector<char> limits = random_numbers(random, limit_type, n_inputs);
          const std::vector<char> planes = by_plane(layout, limits.data(), limit_size);
          const Thresholds thresholds{planes.data(), true};
          std::vector<uint8_t> want;
          for (uint64_t s = 0; s < batch; ++s)
            for (uint32_t literal : outputs) {
              const uint32_t i = literal / 2 - 1;
              want.push_back(reference::row_bit(type,
                                                x.data() + (s * features + i / per_feature) * size,
                                                limits.data() + i * limit_size, true));
            }
          for (const Kernels* k : variants()) {
            CAPTURE(k->name);
            CAPTURE(type_name(type));
            CAPTURE(features);
            CAPTURE(words);
            const RowSource source{x.data(), type, layout, &thresholds, x.data() + x.size()};
            CHECK(run_bits(*k, program, source, batch, words) == want);
          }
        }
    }
}

TEST_CASE("packed words are taken as they are") {
  Random random(17);
  for (uint32_t n_inputs : {1u, 20u, 130u}) {
    const auto program_words = random_program(random, n_inputs, 5, 60);
    const Program program = parse(program_words);
    for (size_t words : kLineWords)
      for (uint64_t batch : {uint64_t{1}, uint64_t{63}, 64 * words, 64 * words + 1, 128 * words}) {
        const std::vector<uint8_t> bits = random.bits(batch * n_inputs);
        const std::vector<uint64_t> packed = pack_rows(random, bits, batch, n_inputs);
        const RowSource source = packed_source(program, packed, batch);
        Scale scale;
        scale.groups = 4;
        scale.type = Type::kInt32;
        for (const Kernels* k : variants()) {
          CAPTURE(k->name);
          CAPTURE(words);
          CAPTURE(batch);
          CHECK(run_bits(*k, program, source, batch, words) ==
                run_bits(*k, program, bytes_source(program, bits), batch, words));
          CHECK(run_scores(*k, program, scale, source, batch, words) ==
                run_scores(*k, program, scale, bytes_source(program, bits), batch, words));
        }
      }
  }
}
