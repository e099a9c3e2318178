// What one instruction set provides; every variant is compiled from the same *.inc.h files.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "count.h"
#include "rows.h"
#include "schedule.h"
#include "strips.h"

namespace lgnx {

// A tile holds 64 bits of up to 64 * lanes rows. Row r is word r: eight rows in a row share a line
// of the cache. Transposed, word j * lanes + l holds bit j of the rows l, lanes + l, 2 * lanes + l,
// ... One tile follows the other with a gap, since tiles at a distance of 4096 bytes would compete
// for the same lines of the cache.
constexpr size_t tile_stride(size_t lanes) { return 64 * lanes + 8; }

// Where row r of a tile is. Words that the caller packed have the rows in their own order: bit j of
// lane l is row 64 * l + j.
constexpr size_t word_of(uint64_t row, size_t lanes, bool packed) {
  return packed ? row % 64 * lanes + row / 64 : row;
}

// Lanes that are packed or counted together: 1, 4 or 8.
constexpr size_t lanes_of(size_t words) { return words < 8 ? words : 8; }

// Whether a block is one sample, which needs no transposition, neither in nor out.
constexpr bool is_single(size_t words, uint64_t samples) { return words == 1 && samples == 1; }

// A line's lanes to another place; constant sizes need no call.
inline void copy_lanes(uint64_t* to, const uint64_t* from, size_t lanes) {
  if (lanes == 8)
    std::memcpy(to, from, 8 * sizeof *to);
  else if (lanes == 4)
    std::memcpy(to, from, 4 * sizeof *to);
  else
    *to = *from;
}

// The axis that bytes are pooled along, with zeros in front of its begin.
struct PoolAxis {
  size_t size, extent, kernel, stride, begin;
};

struct Kernels {
  const char* name;

  // Evaluates steps [first, last); `words` is 1, 4, 8 or 16.
  void (*execute)(const Schedule& schedule, uint32_t first, uint32_t last, uint64_t* lines,
                  size_t words);

  // Writes tiles [first, last) of `rows` rows from row `start` on; `last` is the end of the layout,
  // or lies between two features.
  void (*row_masks)(const RowSource& source, uint64_t start, uint64_t rows, uint64_t first,
                    uint64_t last, uint64_t* tiles, size_t lanes);

  // Transposes the bits of the tile in each lane: bit j of row i becomes bit i of row j. The tile
  // is aligned to a line of the cache.
  void (*transpose)(uint64_t* tile, size_t lanes);

  // Adds the lines of n slots, and the complements of the next n_complements, to vertical counts:
  // plane d, a line too, holds bit d of the count of every sample. 2^n_planes must exceed the
  // largest count; n and n_complements are multiples of kCountedTogether.
  void (*count)(const uint32_t* slots, size_t n, size_t n_complements, const uint64_t* lines,
                size_t words, uint64_t* planes, size_t n_planes);

  // Writes each bit of the rows as a byte: `bits` bytes of every row, rows `stride` bytes apart.
  void (*expand)(const uint64_t* tiles, size_t lanes, bool packed, uint64_t rows, uint64_t bits,
                 uint8_t* out, uint64_t stride);

  // Writes the scores of `fields` groups, whose counts are fields of 8, 16 or 32 bits of the rows
  // of a tile. What lies beyond them in the row may be overwritten, but not beyond `end`.
  void (*scores)(const uint64_t* tile, size_t lanes, bool packed, uint64_t rows, unsigned field,
                 uint32_t fields, const uint32_t* ones, const Scale& scale, char* out,
                 const char* end);

  // Writes the bits of rows as bytes, in the order of the inputs: x_f > t_fb at f * per_feature +
  // b. `thresholds` are in that order too, float16 as float.
  void (*compare)(const char* x, Type type, const char* thresholds, bool strict, uint64_t features,
                  uint64_t per_feature, uint8_t* out);

  // Sets the bits of n strips, from bit `at` on, by whether the bytes of a box of each channel are
  // not 0; channels are `x_stride` bytes apart. The bits are 0 before. Bytes up to `end` may be
  // read.
  void (*pack_strips)(const uint8_t* x, const uint8_t* end, uint64_t x_stride, const Box& box,
                      size_t n, uint64_t* strips, size_t strip_words, uint64_t at);

  // Makes the lines of n taps. The word behind what is read is readable too.
  void (*shift_strips)(const StripSource& source, const Tap* taps, size_t n, uint64_t* lines,
                       size_t words);

  // Writes bits of n lines that follow one another as bytes of n channels, `y_stride` bytes apart:
  // of the positions of a box those in [from, to), of which the first is bit `at` of the line.
  void (*unpack_strips)(const uint64_t* lines, size_t words, size_t n, const Box& box,
                        uint64_t from, uint64_t to, uint64_t at, uint8_t* y, uint64_t y_stride);

  // From x of [outer][size][inner] to y of [outer][extent][inner]: the OR of bytes in windows along
  // the middle axis.
  void (*or_axis)(const uint8_t* x, size_t outer, const PoolAxis& axis, size_t inner, uint8_t* y);

  // Makes every byte that is not 0 a 1.
  void (*ones)(uint8_t* y, size_t n);
};

const Kernels& portable_kernels();
const Kernels* avx2_kernels();  // nullptr where this build has none
const Kernels* avx512_kernels();

// Tells whether this processor has the instructions of a variant; false of nullptr.
bool runs_here(const Kernels* variant);

// The best variant of this machine, or the one named by the environment variable LGNX_SIMD.
// Throws Error where that names one which cannot run here.
const Kernels& kernels();

}  // namespace lgnx
