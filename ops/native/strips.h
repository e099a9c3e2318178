// Strips: the bits of a channel at neighbouring positions, one after another, and how they come
// from bytes and go to bytes.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lgnx {

// Positions of a grid of three axes, and the bytes that belong to them. Along the last axis the
// positions follow one another.
struct Box {
  uint64_t bit = 0, byte = 0;         // of the first position
  uint64_t count[3] = {1, 1, 1};      // positions along each axis
  uint64_t bit_step[2] = {0, 0};      // along the first two axes
  uint64_t byte_step[3] = {0, 0, 1};  // along each axis
};

// A line that is made from a strip: bit i is bit i + offset of the strip where the mask has a 1.
struct Tap {
  uint32_t strip, reading, slot;
};

struct Reading {
  int64_t offset = 0;
  uint64_t mask = 0;  // its first word
};

// Strips, their part that is read, and the masks of that part.
struct StripSource {
  const uint64_t* strips;
  size_t strip_words;
  uint64_t at;  // bit of the strips
  const Reading* readings;
  const uint64_t* masks;
};

}  // namespace lgnx
