#include "score.h"

#include <algorithm>
#include <cstring>

#include "scratch.h"

namespace lgnx {
namespace {

constexpr uint64_t kMaxTable = 1 << 16;  // counts
constexpr size_t kTiles = 16;            // unpacked together

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
  if (size < kMaxTable) {
    const size_t bytes = type_size(scale.type);
    table_.resize((size + 1) * bytes);
    for (uint32_t c = 0; c <= size; ++c) write_score(scale, c, table_.data() + c * bytes);
  }
}

template <class T>
void ScorePlan::write(const uint64_t* tile, size_t lanes, uint64_t rows, uint32_t group,
                      char* out) const {
  const uint32_t fields = std::min(64 / field_, scale_.groups - group);
  const uint64_t mask = (uint64_t{1} << field_) - 1;
  const size_t row_bytes = sizeof(T) * scale_.groups;
  out += sizeof(T) * group;
  for (uint64_t r = 0; r < rows; ++r, out += row_bytes) {
    uint64_t counts = tile[r % 64 * lanes + r / 64];
    for (uint32_t f = 0; f < fields; ++f, counts >>= field_) {
      const uint32_t c = static_cast<uint32_t>(counts & mask);
      if (table_.empty())
        write_score(scale_, c, out + sizeof(T) * f);
      else
        std::memcpy(out + sizeof(T) * f, table_.data() + sizeof(T) * c, sizeof(T));
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
                g.last - g.complements, lines, words, lane, lanes, tile + f * field_ * lanes,
                n_planes_);
      }
      k.transpose(tile, lanes);
      if (bytes == 4)
        write<uint32_t>(tile, lanes, rows, group, target);
      else
        write<uint64_t>(tile, lanes, rows, group, target);
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
          for (size_t i = 0; i < lanes; ++i)
            tile[j * lanes + i] = line[i] ^ (0 - uint64_t{output.complement});
        }
        k.transpose(tile, lanes);
      }
      k.expand(tiles, lanes, rows, width, out + 64 * lane * n + start, n);
    }
  }
}

}  // namespace lgnx
