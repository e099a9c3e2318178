#include "pack.h"

#include <algorithm>
#include <cstring>

#include "scratch.h"

namespace lgnx {
namespace {

// Tiles packed together: their masks should stay in the first-level cache, or nearly so, and a row
// should be read in pieces of whole pages.
constexpr uint64_t kTiles = 16;

}  // namespace

PackPlan::PackPlan(const Schedule& schedule, const RowLayout& layout) : layout_(layout) {
  loads_.reserve(schedule.inputs.size());
  for (const Input& input : schedule.inputs) {
    const uint64_t position = layout.position(input.index);
    loads_.push_back({position / 64, static_cast<uint32_t>(position % 64), input.slot});
  }
  std::sort(loads_.begin(), loads_.end(), [](const Load& a, const Load& b) {
    return a.tile != b.tile ? a.tile < b.tile : a.bit < b.bit;
  });
  // Tiles that hold no live input are not made.
  size_t i = 0;
  while (i < loads_.size()) {
    const uint64_t first = loads_[i].tile;
    uint64_t last = first + 1;
    for (; i < loads_.size() && loads_[i].tile < first + kTiles; ++i) last = loads_[i].tile + 1;
    ranges_.push_back(first);
    ranges_.push_back(last);
    range_end_.push_back(i);
  }
}

void PackPlan::run(const Kernels& k, const RowSource& source, uint64_t start, uint64_t count,
                   uint64_t* lines, size_t words) const {
  if (source.packed()) return run_packed(source, start, lines, words);
  const size_t lanes = lanes_of(words), stride = tile_stride(lanes);
  uint64_t* tiles = scratch(Scratch::kTiles, kTiles * stride);
  const bool single = is_single(words, count);
  for (size_t lane = 0; lane < words; lane += lanes) {
    const uint64_t begin = 64 * lane;
    const uint64_t rows = begin < count ? std::min<uint64_t>(64 * lanes, count - begin) : 0;
    size_t load = 0;
    for (size_t range = 0; range < range_end_.size(); ++range) {
      const uint64_t first = ranges_[2 * range], last = ranges_[2 * range + 1];
      if (rows < 64 * lanes && !single) std::fill_n(tiles, (last - first) * stride, 0);
      if (rows) k.row_masks(source, start + begin, rows, first, last, tiles, lanes);
      if (single) {
        for (; load < range_end_[range]; ++load) {
          const Load& l = loads_[load];
          lines[size_t{l.slot} * words] = tiles[(l.tile - first) * stride] >> l.bit & 1;
        }
        continue;
      }
      uint64_t done = last;
      for (; load < range_end_[range]; ++load) {
        uint64_t* tile = tiles + (loads_[load].tile - first) * stride;
        if (loads_[load].tile != done) k.transpose(tile, lanes);
        done = loads_[load].tile;
        copy_lanes(lines + size_t{loads_[load].slot} * words + lane,
                   tile + loads_[load].bit * lanes, lanes);
      }
    }
  }
}

void PackPlan::run_packed(const RowSource& source, uint64_t start, uint64_t* lines,
                          size_t words) const {
  const uint64_t first = start / 64, n = std::min<uint64_t>(words, source.packed_words - first);
  for (const Load& load : loads_) {
    const char* x = source.x + ((64 * load.tile + load.bit) * source.packed_words + first) * 8;
    uint64_t* line = lines + size_t{load.slot} * words;
    std::memcpy(line, x, n * 8);
    std::fill_n(line + n, words - n, 0);
  }
}

}  // namespace lgnx
