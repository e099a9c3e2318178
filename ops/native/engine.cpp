#include "engine.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "error.h"

namespace lgnx {
namespace {

// All lines of a block should stay in the second-level cache.
constexpr size_t kCacheBytes = size_t{512} << 10;
constexpr size_t kAlignment = 64;

bool runs_here(const char* feature) {
#if defined(__x86_64__) || defined(__i386__)
  return std::strcmp(feature, "avx512") == 0
             ? __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
             : __builtin_cpu_supports("avx2");
#else
  (void)feature;
  return false;
#endif
}

const Kernels& select() {
  const char* wanted = std::getenv("LGNX_SIMD");
  const std::string name = wanted ? wanted : "";
  if (name == "portable") return portable_kernels();
  for (const Kernels* variant : {avx512_kernels(), avx2_kernels()})
    if (variant && runs_here(variant->name) && (name.empty() || name == variant->name))
      return *variant;
  require(name.empty(), "the environment variable LGNX_SIMD is '" + name +
                            "', which this machine or build does not have; allowed are "
                            "'portable' and, where they run, 'avx2' and 'avx512'");
  return portable_kernels();
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = select();
  return chosen;
}

size_t choose_words(const Schedule& schedule, uint64_t batch) {
  if (batch <= 64) return 1;
  if (batch <= 256) return 4;
  for (size_t words : {32, 16})
    if (batch > 32 * words && size_t{schedule.n_slots} * words * 8 <= kCacheBytes) return words;
  return 8;
}

Block::Block(const Schedule& schedule, size_t words) {
  // A line is a multiple of its own alignment, which is at most that of a cache line.
  const size_t bytes = size_t{schedule.n_slots} * words * 8;
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  lines_ = static_cast<uint64_t*>(::operator new(rounded, std::align_val_t{kAlignment}));
  std::memset(lines_, 0, words * 8);  // slot 0 is constant false
}

Block::~Block() { ::operator delete(lines_, std::align_val_t{kAlignment}); }

void pack_block(const Kernels& k, const Schedule& schedule, const RowSource& source, uint64_t start,
                uint64_t count, uint64_t* lines, size_t words) {
  const size_t tiles = (source.bits + 63) / 64;
  thread_local std::vector<uint64_t> masks;
  masks.assign(64 * tiles, 0);
  uint64_t tile[64];
  for (size_t w = 0; w < words; ++w) {
    const uint64_t first = 64 * w;
    const uint64_t rows = first < count ? std::min<uint64_t>(64, count - first) : 0;
    for (uint64_t s = 0; s < rows; ++s) k.row_masks(source, start + first + s, &masks[s * tiles]);
    size_t done = tiles;  // tile that `tile` holds; inputs are sorted, so each is made once
    for (const Input& input : schedule.inputs) {
      const size_t t = input.index / 64;
      if (t != done) {
        for (uint64_t s = 0; s < 64; ++s) tile[s] = s < rows ? masks[s * tiles + t] : 0;
        k.transpose(tile);
        done = t;
      }
      lines[input.slot * words + w] = tile[input.index % 64];
    }
  }
}

void unpack_block(const Kernels& k, const Schedule& schedule, const uint64_t* lines, size_t words,
                  uint64_t count, uint8_t* out) {
  const size_t n = schedule.outputs.size();
  uint64_t tile[64];
  for (size_t w = 0; 64 * w < count; ++w) {
    const uint64_t rows = std::min<uint64_t>(64, count - 64 * w);
    for (size_t start = 0; start < n; start += 64) {
      const size_t width = std::min<size_t>(64, n - start);
      for (size_t j = 0; j < 64; ++j) {
        const Output* output = j < width ? &schedule.outputs[start + j] : nullptr;
        tile[j] = output ? lines[output->slot * words + w] ^ (0 - uint64_t{output->complement}) : 0;
      }
      k.transpose(tile);
      for (uint64_t s = 0; s < rows; ++s) {
        uint8_t* row = out + (64 * w + s) * n + start;
        for (size_t j = 0; j < width; ++j) row[j] = tile[s] >> j & 1;
      }
    }
  }
}

void score_block(const Kernels& k, const Schedule& schedule, const Scale& scale,
                 const uint64_t* lines, size_t words, uint64_t count, char* out) {
  const size_t size = schedule.outputs.size() / scale.groups, bytes = type_size(scale.type);
  thread_local std::vector<uint32_t> counts;
  counts.resize(64 * words);
  for (uint32_t g = 0; g < scale.groups; ++g) {
    k.count_group(schedule.outputs.data() + g * size, size, lines, words, counts.data());
    for (uint64_t s = 0; s < count; ++s)
      write_score(scale, counts[s], out + (s * scale.groups + g) * bytes);
  }
}

}  // namespace lgnx
