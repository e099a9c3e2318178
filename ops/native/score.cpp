#include "score.h"

#include <algorithm>

#include "scratch.h"

namespace lgnx {
namespace {

uint64_t sum_single(const uint32_t* slots, size_t n, uint64_t complement, const uint64_t* lines) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += (lines[slots[i]] ^ complement) & 1;
  return sum;
}

}  // namespace

ScorePlan::ScorePlan(const Schedule& schedule, const Scale& scale)
    : scale_(scale), ones_(schedule.ones) {
  check_scale(scale, schedule.n_outputs);
  const uint64_t size = schedule.n_outputs / scale.groups;
  while (size >> n_planes_) ++n_planes_;
  field_ = n_planes_ <= 8 ? 8 : n_planes_ <= 16 ? 16 : 32;
}

void ScorePlan::begin(size_t words) const {
  const size_t size = planes_size(words);
  std::fill_n(scratch(Scratch::kPlanes, size), size, 0);
}

void ScorePlan::add(const Kernels& k, const Schedule& schedule, const Section& section,
                    const uint64_t* lines, size_t words, uint64_t count) const {
  uint64_t* planes = scratch(Scratch::kPlanes, planes_size(words));
  for (uint32_t i = section.first_piece; i < section.last_piece; ++i) {
    const Piece& piece = schedule.pieces[i];
    const uint32_t* slots = schedule.counted.data() + piece.first;
    if (is_single(words, count))
      planes[piece.group] += sum_single(slots, piece.count, 0, lines) +
                             sum_single(slots + piece.count, piece.complements, 1, lines);
    else
      k.count(slots, piece.count, piece.complements, lines, words,
              planes + piece.group * n_planes_ * words, n_planes_);
  }
}

void ScorePlan::write(const Kernels& k, size_t words, bool packed, uint64_t count,
                      char* out) const {
  const size_t lanes = lanes_of(words), bytes = type_size(scale_.type);
  const uint64_t* planes = scratch(Scratch::kPlanes, planes_size(words));
  if (is_single(words, count)) {
    for (uint32_t group = 0; group < scale_.groups; ++group)
      write_score(scale_, static_cast<uint32_t>(planes[group]) + ones_[group], out + group * bytes);
    return;
  }
  uint64_t* tile = scratch(Scratch::kTiles, tile_stride(lanes));
  const uint32_t together = 64 / field_;
  for (size_t lane = 0; 64 * lane < count; lane += lanes) {
    const uint64_t rows = std::min<uint64_t>(64 * lanes, count - 64 * lane);
    char* target = out + 64 * lane * scale_.groups * bytes;
    // The last groups first: a vector of scores may reach into the first ones of the next row.
    for (uint32_t group = (scale_.groups - 1) / together * together;; group -= together) {
      // Row `field_ * f + d` of the tile is bit d of the counts of group f; transposed, a word of
      // the tile holds the counts of one sample.
      const uint32_t fields = std::min(together, scale_.groups - group);
      std::fill_n(tile, 64 * lanes, 0);
      for (uint32_t f = 0; f < fields; ++f)
        for (size_t d = 0; d < n_planes_; ++d)
          copy_lanes(tile + (f * field_ + d) * lanes,
                     planes + ((group + f) * n_planes_ + d) * words + lane, lanes);
      k.transpose(tile, lanes);
      k.scores(tile, lanes, packed, rows, field_, fields, ones_.data() + group, scale_,
               target + group * bytes, out + count * scale_.groups * bytes);
      if (!group) break;
    }
  }
}

void unpack(const Kernels& k, const uint64_t* lines, size_t n, size_t words, bool packed,
            uint64_t count, uint8_t* out, uint64_t stride) {
  if (is_single(words, count)) {
    for (size_t i = 0; i < n; ++i) out[i] = lines[i] & 1;
    return;
  }
  const size_t lanes = lanes_of(words), gap = tile_stride(lanes), n_tiles = (n + 63) / 64;
  uint64_t* tiles = scratch(Scratch::kTiles, n_tiles * gap);
  for (size_t lane = 0; 64 * lane < count; lane += lanes) {
    const uint64_t rows = std::min<uint64_t>(64 * lanes, count - 64 * lane);
    for (size_t t = 0; t < n_tiles; ++t) {
      uint64_t* tile = tiles + t * gap;
      const size_t left = std::min<size_t>(64, n - 64 * t);
      for (size_t j = 0; j < left; ++j)
        copy_lanes(tile + j * lanes, lines + (64 * t + j) * words + lane, lanes);
      std::fill_n(tile + left * lanes, (64 - left) * lanes, 0);
      k.transpose(tile, lanes);
    }
    k.expand(tiles, lanes, packed, rows, n, out + 64 * lane * stride, stride);
  }
}

}  // namespace lgnx
