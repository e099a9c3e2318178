// The row pass: rows of every type to masks, with and without thresholds.
#include <doctest/doctest.h>

#include "numbers.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

struct Shape {
  uint32_t features, per_feature;
};

const Shape kShapes[] = {{1, 1},   {1, 70},  {3, 50},  {20, 3},   {32, 5},
                         {33, 2},  {63, 1},  {64, 1},  {64, 3},   {65, 1},
                         {100, 4}, {130, 2}, {200, 1}, {1100, 1}, {1030, 2}};

// Positions at which the layout may be cut: between two features.
std::vector<uint64_t> cuts(const RowLayout& layout) {
  std::vector<uint64_t> result;
  const uint64_t step =
      layout.per_feature == 1 || layout.plane_bits() < 64 ? 1 : layout.per_feature;
  for (uint64_t at = 0; at <= layout.tiles(); at += step) result.push_back(at);
  return result;
}

}  // namespace

TEST_CASE("every input has a place of its own") {
  for (const Shape& shape : kShapes) {
    CAPTURE(shape.features);
    CAPTURE(shape.per_feature);
    const RowLayout layout{shape.features, shape.per_feature};
    std::vector<uint8_t> taken(64 * layout.tiles(), 0);
    for (uint64_t i = 0; i < uint64_t{shape.features} * shape.per_feature; ++i) {
      const uint64_t position = layout.position(i);
      REQUIRE(position < taken.size());
      CHECK(!taken[position]);
      taken[position] = 1;
    }
  }
}

TEST_CASE("masks of rows of every type") {
  Random random(11);
  for (Type type : kTypes)
    for (const Shape& shape : kShapes)
      for (size_t lanes : kLanes) {
        const size_t limit = 64 * lanes;
        const uint64_t start = random.below(3), rows = 1 + random.below(limit);
        const RowLayout layout{shape.features, shape.per_feature};
        const size_t n_inputs = size_t{shape.features} * shape.per_feature;
        const Type limit_type = reference::threshold_type(type);
        const size_t size = type_size(type), limit_size = type_size(limit_type);
        const std::vector<char> x = random_numbers(random, type, (start + rows) * shape.features);
        const std::vector<char> limits = random_numbers(random, limit_type, n_inputs);
        const std::vector<char> planes = by_plane(layout, limits.data(), limit_size);
        for (int mode = 0; mode < 3; ++mode) {  // >=, >, not 0
          if (mode == 2 && (shape.per_feature > 1 || type == Type::kFloat16)) continue;
          const Thresholds thresholds{planes.data(), mode == 1};
          const RowSource source{x.data(), type, layout, mode == 2 ? nullptr : &thresholds,
                                 x.data() + x.size()};
          const auto bit = [&](uint64_t r, uint64_t i) {
            return reference::row_bit(
                type, x.data() + ((start + r) * shape.features + i / shape.per_feature) * size,
                mode == 2 ? nullptr : limits.data() + i * limit_size, mode == 1);
          };
          const std::vector<uint64_t> at = cuts(layout);
          const size_t begin = random.below(at.size() - 1);
          const size_t end = begin + 1 + random.below(at.size() - 1 - begin);
          for (const Kernels* k : variants())
            for (int whole = 0; whole < 2; ++whole) {
              CAPTURE(k->name);
              CAPTURE(type_name(type));
              CAPTURE(shape.features);
              CAPTURE(shape.per_feature);
              CAPTURE(lanes);
              CAPTURE(mode);
              const uint64_t first = whole ? 0 : at[begin], last = whole ? layout.tiles() : at[end];
              Words tiles((last - first) * tile_stride(lanes));
              k->row_masks(source, start, rows, first, last, tiles.data(), lanes);
              size_t wrong = 0;
              for (uint64_t i = 0; i < n_inputs; ++i) {
                const uint64_t position = layout.position(i), tile = position / 64;
                if (tile < first || tile >= last) continue;
                // Every seventh row of the wide ones, and the last.
                for (uint64_t r = 0; r < rows; r += n_inputs > 500 && r + 8 < rows ? 7 : 1)
                  wrong += (tiles[(tile - first) * tile_stride(lanes) + r] >> position % 64 & 1) !=
                           bit(r, i);
              }
              CHECK(wrong == 0);
            }
        }
      }
}
