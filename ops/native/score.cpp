#include "score.h"

#include <algorithm>

#include "scratch.h"

namespace lgnx {
namespace {

constexpr size_t kTiles = 16;  // unpacked together

}  // namespace

ScorePlan::ScorePlan(const Schedule& schedule, const Scale& scale) : scale_(scale) {
  check_scale(scale, schedule.outputs.size());
  const uint64_t size = schedule.outputs.size() / scale.groups;
  while (size >> n_planes_) ++n_planes_;
  field_ = n_planes_ <= 8 ? 8 : n_planes_ <= 16 ? 16 : 32;
  slots_.reserve(schedule.outputs.size());
  for (uint32_t g = 0; g < scale.groups; ++g) {
    Group group{static_cast<uint32_t>(slots_.size()), 0, 0};
    for (uint32_t complement = 0; complement < 2; ++complement) {
      if (complement) group.complements = static_cast<uint32_t>(slots_.size());
      const size_t before = slots_.size();
      for (uint64_t i = g * size; i < (g + 1) * size; ++i)
        if (schedule.outputs[i].complement == complement)
          slots_.push_back(schedule.outputs[i].slot);
      std::sort(slots_.begin() + static_cast<ptrdiff_t>(before), slots_.end());
    }
    group.last = static_cast<uint32_t>(slots_.size());
    groups_.push_back(group);
  }
  if (field_ < 32) {
    const size_t bytes = type_size(scale.type);
    table_.resize((size + 1) * bytes);
    for (uint32_t c = 0; c <= size; ++c) write_score(scale, c, table_.data() + c * bytes);
  }
}

template <class T, unsigned Field>
void ScorePlan::write(const uint64_t* tile, size_t lanes, uint64_t rows, uint32_t group,
                      char* out) const {
  constexpr uint64_t kMask = (uint64_t{1} << Field) - 1;
  const uint32_t groups = scale_.groups, fields = std::min(64 / Field, groups - group);
  const T* table = reinterpret_cast<const T*>(table_.data());
  T* y = reinterpret_cast<T*>(out) + group;
  for (size_t lane = 0; 64 * lane < rows; ++lane) {
    const uint64_t n = std::min<uint64_t>(64, rows - 64 * lane);
    for (uint64_t r = 0; r < n; ++r, y += groups) {
      uint64_t counts = tile[r * lanes + lane];
      for (uint32_t f = 0; f < fields; ++f, counts >>= Field)
        if (Field < 32)  // every count has its entry
          y[f] = table[counts & kMask];
        else
          write_score(scale_, static_cast<uint32_t>(counts & kMask),
                      reinterpret_cast<char*>(y + f));
    }
  }
}

void ScorePlan::run(const Kernels& k, const uint64_t* lines, size_t words, uint64_t count,
                    char* out) const {
  const size_t lanes = lanes_of(words), bytes = type_size(scale_.type);
  uint64_t* tile = scratch(Scratch::kTiles, tile_stride(lanes));
  const uint32_t together = 64 / field_;
  for (size_t lane = 0; 64 * lane < count; lane += lanes) {
    const uint64_t rows = std::min<uint64_t>(64 * lanes, count - 64 * lane);
    char* target = out + 64 * lane * scale_.groups * bytes;
    for (uint32_t group = 0; group < scale_.groups; group += together) {
      // Row `field_ * f + d` of the tile is bit d of the counts of group f; transposed, a word of
      // the tile holds the counts of one sample.
      std::fill_n(tile, 64 * lanes, 0);
      for (uint32_t f = 0; f < together && group + f < scale_.groups; ++f) {
        const Group& g = groups_[group + f];
        k.count(slots_.data() + g.first, g.complements - g.first, slots_.data() + g.complements,
                g.last - g.complements, lines, words, lane, tile + f * field_ * lanes, n_planes_);
      }
      k.transpose(tile, lanes);
      const auto write_fields = bytes == 4 ? (field_ == 8    ? &ScorePlan::write<uint32_t, 8>
                                              : field_ == 16 ? &ScorePlan::write<uint32_t, 16>
                                                             : &ScorePlan::write<uint32_t, 32>)
                                           : (field_ == 8    ? &ScorePlan::write<uint64_t, 8>
                                              : field_ == 16 ? &ScorePlan::write<uint64_t, 16>
                                                             : &ScorePlan::write<uint64_t, 32>);
      (this->*write_fields)(tile, lanes, rows, group, target);
    }
  }
}

void unpack_block(const Kernels& k, const Schedule& schedule, const uint64_t* lines, size_t words,
                  uint64_t count, uint8_t* out) {
  const size_t lanes = lanes_of(words), stride = tile_stride(lanes);
  const size_t n = schedule.outputs.size();
  uint64_t* tiles = scratch(Scratch::kTiles, kTiles * stride);
  for (size_t lane = 0; 64 * lane < count; lane += lanes) {
    const uint64_t rows = std::min<uint64_t>(64 * lanes, count - 64 * lane);
    for (size_t start = 0; start < n; start += 64 * kTiles) {
      const size_t width = std::min(64 * kTiles, n - start);
      for (size_t first = 0; first < width; first += 64) {
        uint64_t* tile = tiles + first / 64 * stride;
        for (size_t j = 0; j < 64; ++j) {
          if (first + j >= width) {
            std::fill_n(tile + j * lanes, lanes, 0);
            continue;
          }
          const Output& output = schedule.outputs[start + first + j];
          const uint64_t* line = lines + size_t{output.slot} * words + lane;
          copy_lanes(tile + j * lanes, line, lanes);
          if (output.complement)
            for (size_t i = 0; i < lanes; ++i) tile[j * lanes + i] ^= ~uint64_t{0};
        }
        k.transpose(tile, lanes);
      }
      k.expand(tiles, lanes, rows, width, out + 64 * lane * n + start, n);
    }
  }
}

}  // namespace lgnx
