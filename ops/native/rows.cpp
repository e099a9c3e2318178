#include "rows.h"

#include <cstring>

namespace lgnx {

uint64_t RowLayout::plane_bits() const {
  if (per_feature == 1 || features > 32) return 64;
  uint64_t bits = 1;
  while (bits < features) bits *= 2;
  return bits;
}

uint64_t RowLayout::plane_stride() const {
  return plane_bits() < 64 ? plane_bits() : (features + 63) / 64 * 64;
}

uint64_t RowLayout::tiles() const {
  if (plane_bits() == 64) return (features + 63) / 64 * per_feature;
  return features ? (per_feature * plane_bits() + 63) / 64 : 0;
}

uint64_t RowLayout::position(uint64_t input) const {
  if (per_feature == 1) return input;
  const uint64_t f = input / per_feature, b = input % per_feature;
  if (plane_bits() < 64) return b * plane_bits() + f;
  return 64 * (f / 64 * per_feature + b) + f % 64;
}

std::vector<char> by_plane(const RowLayout& layout, const char* values, size_t size) {
  const uint64_t stride = layout.plane_stride();
  std::vector<char> result((layout.per_feature * stride + 64) * size, 0);
  for (uint64_t f = 0; f < layout.features; ++f)
    for (uint64_t b = 0; b < layout.per_feature; ++b, values += size)
      std::memcpy(result.data() + (b * stride + f) * size, values, size);
  return result;
}

}  // namespace lgnx
