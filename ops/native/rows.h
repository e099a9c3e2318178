// Where the bits of a sample come from: a row of numbers, with thresholds or a test for nonzero;
// and how these bits lie in tiles of 64 while they are packed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "types.h"

namespace lgnx {

// Input i of a program is threshold i % per_feature of feature i / per_feature. While packing, the
// bits of a row are ordered by plane, one plane for each threshold, so that a vector of features is
// compared with a vector of thresholds:
//
// - one threshold, or none: bit f of the row is feature f;
// - 64 features or more: tile f / 64 * per_feature + b holds threshold b of 64 features;
// - fewer: a plane takes the next power of two of bits, and a tile holds several planes.
struct RowLayout {
  uint64_t features = 0;
  uint64_t per_feature = 1;

  uint64_t plane_bits() const;    // of one plane in a tile, 1 ... 64
  uint64_t plane_stride() const;  // thresholds from one plane to the next
  uint64_t tiles() const;
  uint64_t position(uint64_t input) const;  // 64 * tile + bit
};

// Thresholds by plane: threshold b of feature f is entry b * plane_stride + f of `values`, which
// are readable for 64 entries beyond the last. A view.
struct Thresholds {
  const char* values;  // of the type of x; float16 as float
  bool strict;
};

// Orders thresholds of `size` bytes by plane; entry f * per_feature + b of `values` is threshold b
// of feature f.
std::vector<char> by_plane(const RowLayout& layout, const char* values, size_t size);

struct RowSource {
  const char* x;  // [batch][features] of `type`
  Type type;
  RowLayout layout;
  const Thresholds* thresholds;  // nullptr: a bit is x != 0
  const char* end;               // of x: bytes in front of it may be read
  // Where it is not 0, x is [features][packed_words] words instead: sample s is bit s % 64 of word
  // s / 64. There are no thresholds then.
  uint64_t packed_words = 0;

  bool packed() const { return packed_words != 0; }
};

}  // namespace lgnx
