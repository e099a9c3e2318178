// What one instruction set provides; every variant is compiled from the same *.inc.h files.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "rows.h"
#include "schedule.h"

namespace lgnx {

// Rows lie side by side in lanes: row r of up to 64 * lanes rows is row r % 64 of lane r / 64, and
// tile t of the row is word r % 64 * lanes + r / 64 of the tile. One tile follows the other with a
// gap, since tiles at a distance of 4096 bytes would compete for the same lines of the cache.
constexpr size_t tile_stride(size_t lanes) { return 64 * lanes + 8; }

// Lanes that are packed or counted together: 1, 4 or 8.
constexpr size_t lanes_of(size_t words) { return words < 8 ? words : 8; }

// A line's lanes to another place; constant sizes need no call.
inline void copy_lanes(uint64_t* to, const uint64_t* from, size_t lanes) {
  if (lanes == 8)
    std::memcpy(to, from, 8 * sizeof *to);
  else if (lanes == 4)
    std::memcpy(to, from, 4 * sizeof *to);
  else
    *to = *from;
}

struct Kernels {
  const char* name;

  // Evaluates all steps; `words` is 1, 4, 8 or 16.
  void (*execute)(const Schedule& schedule, uint64_t* lines, size_t words);

  // Writes tiles [first, last) of `rows` rows from row `start` on; `last` is the end of the layout,
  // or lies between two features.
  void (*row_masks)(const RowSource& source, uint64_t start, uint64_t rows, uint64_t first,
                    uint64_t last, uint64_t* tiles, size_t lanes);

  // Transposes the bits of the tile in each lane: bit j of row i becomes bit i of row j.
  void (*transpose)(uint64_t* tile, size_t lanes);

  // Vertical counts of lanes_of(words) lanes of the lines, from `lane` on: plane d holds bit d of
  // the count of every sample and is written to planes[d * lanes]. 2^n_planes must exceed the
  // largest count.
  void (*count)(const uint32_t* slots, size_t n, const uint32_t* complements, size_t n_complements,
                const uint64_t* lines, size_t words, size_t lane, uint64_t* planes,
                size_t n_planes);

  // Writes each bit of the rows as a byte: `bits` bytes of every row, rows `stride` bytes apart.
  void (*expand)(const uint64_t* tiles, size_t lanes, uint64_t rows, uint64_t bits, uint8_t* out,
                 uint64_t stride);

  // Writes the bits of rows as bytes, in the order of the inputs: x_f > t_fb at f * per_feature +
  // b. `thresholds` are in that order too, float16 as float.
  void (*compare)(const char* x, Type type, const char* thresholds, bool strict, uint64_t features,
                  uint64_t per_feature, uint8_t* out);
};

const Kernels& portable_kernels();
const Kernels* avx2_kernels();  // nullptr where this build has none
const Kernels* avx512_kernels();

// The best variant of this machine, or the one named by the environment variable LGNX_SIMD.
// Throws Error where that names one which cannot run here.
const Kernels& kernels();

}  // namespace lgnx
