#include "convolution.h"

#include <algorithm>
#include <map>
#include <string>

#include "cache.h"
#include "error.h"
#include "scratch.h"

namespace lgnx {
namespace {

constexpr size_t kMaxWords = 16;
constexpr uint64_t kMaxPositions = uint64_t{1} << 32;
constexpr uint64_t kMaxReadings = uint64_t{1} << 24;
constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
constexpr size_t kSourcesTogether = 64;
// Fewer blocks than this are each spread over the threads.
constexpr size_t kFewBlocks = 4;

void require_bytes(uint64_t n, uint64_t size, const char* what) {
  const int64_t bytes = saturated(static_cast<int64_t>(n), static_cast<int64_t>(size));
  if (static_cast<uint64_t>(bytes) > kMaxBytes)
    throw Error(std::string("input x: ") + what + " take " + std::to_string(bytes) +
                " bytes, which must not be more than " + std::to_string(kMaxBytes));
}

void set_bits(uint64_t* words, uint64_t at, uint64_t n) {
  for (uint64_t each; n; n -= each, at += each) {
    each = std::min(n, 64 - at % 64);
    words[at / 64] |= ~uint64_t{0} >> (64 - each) << at % 64;
  }
}

}  // namespace

// What one call works on: some samples, whose strips lie together.
struct Convolution::Block {
  const Kernels& k;
  const uint8_t *x, *x_end;
  uint8_t* y;
  int64_t samples;
  size_t words;
  size_t strip_words;
  uint64_t* strips;  // behind the guard
};

Convolution::Convolution(const TreeGroups& groups, const WindowAttributes& attributes,
                         bool transposed, int64_t channels, const std::vector<int64_t>& sizes)
    : groups_(groups), channels_(channels) {
  for (const auto& group : groups) {
    trees_ += group->count;
    n_slots_ = std::max(n_slots_, group->n_slots);
  }
  place_axes(attributes, transposed, sizes);
  place_leaves(attributes);
}

void Convolution::place_axes(const WindowAttributes& attributes, bool transposed,
                             const std::vector<int64_t>& sizes) {
  const size_t d = attributes.axes();
  int64_t grid = 1, out = 1;
  for (size_t a = 0; a < d; ++a) {
    WindowAxis& axis = axes_[kMaxSpatial - d + a];
    axis = transposed ? WindowAxis::spread(sizes[a], attributes, a)
                      : WindowAxis::slide(sizes[a], attributes, a);
    in_volume_ *= static_cast<uint64_t>(axis.size());
    grid = saturated(grid, axis.grid());
    out = saturated(out, axis.extent());
  }
  if (static_cast<uint64_t>(std::max(grid, out)) > kMaxPositions) {
    std::string extents, grids;
    for (size_t a = kMaxSpatial - d; a < kMaxSpatial; ++a) {
      extents += (extents.empty() ? "" : " x ") + std::to_string(axes_[a].extent());
      grids += (grids.empty() ? "" : " x ") + std::to_string(axes_[a].grid());
    }
    throw Error("output y: has " + extents + " positions on a grid of " + grids +
                ", neither must be more than " + std::to_string(kMaxPositions));
  }
  grid_ = static_cast<uint64_t>(grid);
  out_volume_ = static_cast<uint64_t>(out);
  pitch_[2] = 1;
  pitch_[1] = static_cast<uint64_t>(axes_[2].grid());
  pitch_[0] = pitch_[1] * static_cast<uint64_t>(axes_[1].grid());
  // Lines of several samples, or parts of one.
  mask_words_ = grid_ <= 64 * kMaxWords ? kMaxWords : grid_ / 64 + 1 + kMaxWords;
  masks_.assign(mask_words_, 0);  // the first mask is that of no bit
}

void Convolution::place_leaves(const WindowAttributes& attributes) {
  const int64_t volume = attributes.volume();
  const size_t d = attributes.axes();
  std::vector<int64_t> numbers;  // of the entries of the window that are read
  for (const auto& group : groups_)
    for (const TreeGroup::Leaf& leaf : group->leaves) numbers.push_back(leaf.index % volume);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  // Where each lies along the axes, and the origin of what it reads, which no phase changes.
  std::vector<std::array<int64_t, 3>> windows, origins;
  std::map<std::array<int64_t, 3>, uint32_t> origin_numbers;
  std::vector<uint32_t> origin_of;
  for (int64_t number : numbers) {
    std::array<int64_t, 3> window{0, 0, 0}, origin;
    for (size_t a = d; a-- > 0; number /= attributes.kernel_shape[a])
      window[kMaxSpatial - d + a] = number % attributes.kernel_shape[a];
    for (size_t a = 0; a < 3; ++a) origin[a] = axes_[a].read(0, window[a]).origin;
    const auto [at, added] =
        origin_numbers.try_emplace(origin, static_cast<uint32_t>(origins.size()));
    if (added) {
      origins.push_back(origin);
      source_boxes_.push_back(source_box(origin));
    }
    windows.push_back(window);
    origin_of.push_back(at->second);
  }
  const auto number_of = [&](uint32_t index) {
    return static_cast<uint32_t>(std::lower_bound(numbers.begin(), numbers.end(), index % volume) -
                                 numbers.begin());
  };
  const auto source_of = [&](uint32_t index, uint32_t window) {
    return static_cast<uint64_t>(index / volume) << 32 | origin_of[window];
  };
  std::vector<uint64_t> keys;
  for (const auto& group : groups_)
    for (const TreeGroup::Leaf& leaf : group->leaves)
      keys.push_back(source_of(leaf.index, number_of(leaf.index)));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (uint64_t key : keys)
    sources_.push_back({static_cast<int64_t>(key >> 32), static_cast<uint32_t>(key)});
  for (const auto& group : groups_) {
    taps_.emplace_back();
    for (const TreeGroup::Leaf& leaf : group->leaves) {
      const uint32_t window = number_of(leaf.index);
      const auto at = std::lower_bound(keys.begin(), keys.end(), source_of(leaf.index, window));
      taps_.back().push_back({static_cast<uint32_t>(at - keys.begin()), window, leaf.slot});
    }
  }
  place_readings(windows);
}

void Convolution::place_readings(const std::vector<std::array<int64_t, 3>>& windows) {
  n_windows_ = windows.size();
  int64_t phases = 1;
  for (const WindowAxis& axis : axes_) phases = saturated(phases, axis.phases());
  const int64_t n = saturated(phases, static_cast<int64_t>(n_windows_));
  if (static_cast<uint64_t>(n) > kMaxReadings)
    throw Error("attribute strides: give " + std::to_string(phases) + " windows of " +
                std::to_string(n_windows_) + " bits that differ, together must not be more than " +
                std::to_string(kMaxReadings));
  std::map<std::array<int64_t, 6>, uint64_t> masks;
  int64_t farthest = 0;
  for (int64_t p = 0; p < phases; ++p) {
    const int64_t n2 = axes_[2].phases(), n1 = axes_[1].phases();
    const std::array<int64_t, 3> phase{p / n2 / n1, p / n2 % n1, p % n2};
    output_boxes_.push_back(output_box(phase));
    for (const auto& window : windows) {
      Reading reading;
      std::array<int64_t, 6> key;
      bool any = true;
      for (size_t a = 0; a < 3; ++a) {
        const WindowAxis::Reading r = axes_[a].read(phase[a], window[a]);
        any = any && r.first < r.last;
        key[2 * a] = r.first;
        // What lies behind the last output is not used.
        key[2 * a + 1] =
            r.first == 0 && r.last == axes_[a].outputs(phase[a]) ? axes_[a].grid() : r.last;
        reading.offset += r.shift * static_cast<int64_t>(pitch_[a]);
      }
      if (any) {
        farthest = std::max(farthest, std::abs(reading.offset));
        const auto [at, added] = masks.try_emplace(key, 0);
        if (added) at->second = mask_of(key);
        reading.mask = at->second;
      } else {
        reading.offset = 0;
      }
      readings_.push_back(reading);
    }
  }
  guard_ = static_cast<size_t>(farthest) / 64 + 2 + kMaxWords;
}

// The mask of a box of positions, of as many samples as a line may hold.
uint64_t Convolution::mask_of(const std::array<int64_t, 6>& key) {
  const uint64_t first = masks_.size();
  require_bytes(first + mask_words_, 8, "the masks of the window");
  masks_.resize(first + mask_words_, 0);
  const uint64_t samples = std::max<uint64_t>(1, 64 * kMaxWords / grid_);
  const uint64_t row = static_cast<uint64_t>(key[4]),
                 row_bits = static_cast<uint64_t>(key[5]) - row;
  for (uint64_t s = 0; s < samples; ++s)
    for (int64_t i = key[0]; i < key[1]; ++i)
      for (int64_t j = key[2]; j < key[3]; ++j)
        set_bits(masks_.data() + first,
                 s * grid_ + static_cast<uint64_t>(i) * pitch_[0] +
                     static_cast<uint64_t>(j) * pitch_[1] + row,
                 row_bits);
  return first;
}

namespace {

// Axes whose positions follow one another become one.
Box merged(Box box) {
  for (size_t a = 2; a-- > 0;) {
    const bool follows = box.byte_step[2] == 1 && box.bit_step[a] == box.count[2] &&
                         box.byte_step[a] == box.count[2] && (a == 1 || box.count[1] == 1);
    if (box.count[a] == 1 || follows) {
      box.count[2] *= box.count[a];
      box.count[a] = 1;
    }
  }
  return box;
}

}  // namespace

Box Convolution::source_box(const std::array<int64_t, 3>& origin) const {
  Box box;
  uint64_t stride = 1;
  for (size_t a = 3; a-- > 0;) {
    const WindowAxis& axis = axes_[a];
    const int64_t step = axis.step();
    const int64_t first = origin[a] < 0 ? (-origin[a] + step - 1) / step : 0;
    const int64_t room = axis.size() - origin[a] + step - 1;
    const int64_t last = std::min(axis.grid(), room < 0 ? 0 : room / step);
    box.count[a] = static_cast<uint64_t>(std::max<int64_t>(0, last - first));
    box.bit += static_cast<uint64_t>(first) * pitch_[a];
    box.byte += static_cast<uint64_t>(first * step + origin[a]) * stride;
    if (a < 2) box.bit_step[a] = pitch_[a];
    box.byte_step[a] = static_cast<uint64_t>(step) * stride;
    stride *= static_cast<uint64_t>(axis.size());
  }
  return merged(box);
}

Box Convolution::output_box(const std::array<int64_t, 3>& phase) const {
  Box box;
  uint64_t stride = 1;
  for (size_t a = 3; a-- > 0;) {
    const WindowAxis& axis = axes_[a];
    box.count[a] = static_cast<uint64_t>(axis.outputs(phase[a]));
    box.byte += static_cast<uint64_t>(phase[a]) * stride;
    if (a < 2) box.bit_step[a] = pitch_[a];
    box.byte_step[a] = static_cast<uint64_t>(axis.spacing()) * stride;
    stride *= static_cast<uint64_t>(axis.extent());
  }
  return merged(box);
}

// Long lines where there are enough positions, as long as lines and strips stay in the cache.
size_t Convolution::choose_words(int64_t batch) const {
  const int64_t positions = saturated(batch, static_cast<int64_t>(grid_));
  if (positions <= 64) return 1;
  if (positions <= 256) return 4;
  const size_t bytes = kMaxWords * sizeof(uint64_t);
  const bool fits = bytes * n_slots_ <= second_level_cache() / 2 &&
                    bytes * sources_.size() <= second_level_cache() / 4;
  return positions > 512 && fits ? kMaxWords : 8;
}

void Convolution::run(const Kernels& k, const uint8_t* x, int64_t batch, uint8_t* y,
                      const ParallelFor& parallel) const {
  if (!batch) return;
  const size_t words = choose_words(batch);
  const int64_t together = std::max<int64_t>(1, static_cast<int64_t>(64 * words / grid_));
  const size_t blocks = static_cast<size_t>((batch + together - 1) / together);
  const uint64_t x_size = static_cast<uint64_t>(channels_) * in_volume_,
                 y_size = static_cast<uint64_t>(trees_) * out_volume_;
  const uint8_t* x_end = x + static_cast<uint64_t>(batch) * x_size;
  const auto block_of = [&](size_t i) {
    const int64_t first = static_cast<int64_t>(i) * together;
    const int64_t samples = std::min(together, batch - first);
    const size_t strip_words = (static_cast<uint64_t>(samples) * grid_ + 63) / 64;
    const uint64_t n = sources_.size() * strip_words + 2 * guard_;
    require_bytes(n, 8, "the bits of one sample");
    uint64_t* strips = scratch(Scratch::kStrips, n);
    std::fill_n(strips, guard_, 0);
    std::fill_n(strips + n - guard_, guard_, 0);
    return Block{k,           x + static_cast<uint64_t>(first) * x_size,
                 x_end,       y + static_cast<uint64_t>(first) * y_size,
                 samples,     words,
                 strip_words, strips + guard_};
  };
  if (blocks >= kFewBlocks)
    return parallel(blocks, [&](size_t i) {
      const Block block = block_of(i);
      pack(block, 0, sources_.size());
      for (size_t g = 0; g < groups_.size(); ++g) evaluate(block, g);
    });
  for (size_t i = 0; i < blocks; ++i) {
    const Block block = block_of(i);
    parallel((sources_.size() + kSourcesTogether - 1) / kSourcesTogether, [&](size_t p) {
      pack(block, p * kSourcesTogether, std::min(sources_.size(), (p + 1) * kSourcesTogether));
    });
    parallel(groups_.size(), [&](size_t g) { evaluate(block, g); });
  }
}

// Makes the strips of sources [first, last).
void Convolution::pack(const Block& block, size_t first, size_t last) const {
  uint64_t* strips = block.strips + first * block.strip_words;
  std::fill_n(strips, (last - first) * block.strip_words, 0);
  for (size_t begin = first, end; begin < last; begin = end) {
    // Neighbouring channels at once.
    const Source& source = sources_[begin];
    for (end = begin + 1; end < last && sources_[end].origin == source.origin &&
                          sources_[end].channel == sources_[end - 1].channel + 1;)
      ++end;
    const uint8_t* x = block.x + static_cast<uint64_t>(source.channel) * in_volume_;
    for (int64_t s = 0; s < block.samples; ++s) {
      block.k.pack_strips(x, block.x_end, in_volume_, source_boxes_[source.origin], end - begin,
                          block.strips + begin * block.strip_words, block.strip_words,
                          static_cast<uint64_t>(s) * grid_);
      x += static_cast<uint64_t>(channels_) * in_volume_;
    }
  }
}

// One group of trees at all positions of the block.
void Convolution::evaluate(const Block& block, size_t g) const {
  const TreeGroup& group = *groups_[g];
  const std::vector<Tap>& taps = taps_[g];
  const size_t words = block.words;
  const uint64_t line_bits = 64 * words;
  uint64_t* lines = scratch(Scratch::kLines, group.n_slots * words);
  std::fill_n(lines, words, 0);  // slot 0 is constant false
  const uint64_t* roots = lines + size_t{group.output_slot} * words;
  uint8_t* y = block.y + static_cast<uint64_t>(group.first) * out_volume_;
  for (uint64_t from = 0; from < grid_; from += line_bits) {
    const uint64_t to = std::min(grid_, from + line_bits);
    for (size_t phase = 0; phase < output_boxes_.size(); ++phase) {
      block.k.shift_strips({block.strips, block.strip_words, from,
                            readings_.data() + phase * n_windows_, masks_.data() + from / 64},
                           taps.data(), taps.size(), lines, words);
      group.evaluate(block.k, lines, words);
      for (int64_t s = 0; s < block.samples; ++s)
        block.k.unpack_strips(roots, words, static_cast<size_t>(group.count), output_boxes_[phase],
                              from, to, static_cast<uint64_t>(s) * grid_,
                              y + static_cast<uint64_t>(s * trees_) * out_volume_, out_volume_);
    }
  }
}

}  // namespace lgnx
