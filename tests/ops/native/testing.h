// Random programs, and runs of single blocks by each variant of the kernels.
#pragma once
#include <algorithm>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "engine.h"
#include "kernels.h"
#include "pack.h"
#include "program.h"
#include "schedule.h"
#include "score.h"

namespace lgnx::testing {

// The same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t word() { return engine_(); }
  uint32_t below(uint64_t n) { return static_cast<uint32_t>(engine_() % n); }

  // Bytes of 0, 1 and 2: any nonzero one is a 1.
  std::vector<uint8_t> bits(size_t n) {
    std::vector<uint8_t> result(n);
    for (uint8_t& bit : result) bit = static_cast<uint8_t>(below(3));
    return result;
  }

 private:
  std::mt19937_64 engine_;
};

struct Gates {
  uint32_t k;
  uint64_t table;
  std::vector<uint32_t> fanins;
};

// The words of a program.
inline std::vector<uint32_t> encode(uint32_t n_inputs, const std::vector<Gates>& runs,
                                    const std::vector<uint32_t>& outputs) {
  std::vector<uint32_t> rows, operands;
  uint32_t n_gates = 0;
  for (const Gates& run : runs) {
    const uint32_t count = static_cast<uint32_t>(run.fanins.size()) / run.k;
    rows.insert(rows.end(), {run.k, count, static_cast<uint32_t>(run.table),
                             static_cast<uint32_t>(run.table >> 32)});
    operands.insert(operands.end(), run.fanins.begin(), run.fanins.end());
    n_gates += count;
  }
  std::vector<uint32_t> words = {kMagic,
                                 kProgramVersion,
                                 n_inputs,
                                 n_gates,
                                 static_cast<uint32_t>(runs.size()),
                                 static_cast<uint32_t>(operands.size()),
                                 static_cast<uint32_t>(outputs.size()),
                                 0};
  words.insert(words.end(), rows.begin(), rows.end());
  words.insert(words.end(), operands.begin(), operands.end());
  words.insert(words.end(), outputs.begin(), outputs.end());
  return words;
}

// A random valid program; its gates have min_k to max_k inputs.
inline std::vector<uint32_t> random_program(Random& random, uint32_t n_inputs, uint32_t n_runs,
                                            uint32_t n_outputs, uint32_t min_k = 1,
                                            uint32_t max_k = 6) {
  std::vector<Gates> runs;
  uint32_t wires = 1 + n_inputs;
  for (uint32_t r = 0; r < n_runs; ++r) {
    const uint32_t k = min_k + random.below(max_k - min_k + 1), count = 1 + random.below(30);
    Gates run{k, random.word() & table_mask(k), {}};
    for (uint32_t i = 0; i < k * count; ++i) run.fanins.push_back(random.below(wires));
    runs.push_back(run);
    wires += count;
  }
  std::vector<uint32_t> outputs;
  for (uint32_t i = 0; i < n_outputs; ++i) outputs.push_back(random.below(2 * wires));
  return encode(n_inputs, runs, outputs);
}

inline Program parse(const std::vector<uint32_t>& words) {
  return parse_program(words.data(), words.size());
}

// The variants that run on this machine.
inline std::vector<const Kernels*> variants() {
  std::vector<const Kernels*> result;
  for (const Kernels* variant : {&portable_kernels(), avx2_kernels(), avx512_kernels()})
    if (runs_here(variant)) result.push_back(variant);
  return result;
}

constexpr size_t kLineWords[] = {1, 4, 8, 16};
constexpr size_t kLanes[] = {1, 4, 8};

// Words aligned to a cache line, of exactly this number: what touches others is found.
class Words {
 public:
  explicit Words(size_t n)
      : data_(static_cast<uint64_t*>(::operator new(n * sizeof(uint64_t), kAlignment))), size_(n) {
    std::fill_n(data(), n, 0);
  }
  uint64_t* data() { return data_.get(); }
  size_t size() const { return size_; }
  uint64_t& operator[](size_t i) { return data_.get()[i]; }
  uint64_t* begin() { return data(); }
  uint64_t* end() { return data() + size_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(uint64_t* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<uint64_t, Free> data_;
  size_t size_;
};

// Bit j of a row in a tile, after its transposition.
inline bool tile_bit(Words& tile, size_t lanes, size_t row, size_t j) {
  return tile[j * lanes + row % lanes] >> row / lanes & 1;
}

inline RowSource bytes_source(const Program& program, const std::vector<uint8_t>& bits) {
  const char* x = reinterpret_cast<const char*>(bits.data());
  return {x, Type::kUint8, {program.n_inputs, 1}, nullptr, x + bits.size()};
}

// [batch][outputs]
inline std::vector<uint8_t> run_bits(const Kernels& k, const Program& program,
                                     const RowSource& source, uint64_t batch, size_t words) {
  const Schedule ready = schedule(program, 0);
  const PackPlan plan(ready, source.layout);
  std::vector<uint8_t> out(batch * program.outputs.size(), 2);
  char* y = reinterpret_cast<char*>(out.data());
  const Batch work{ready, plan, source, nullptr, batch, y, words, &k};
  for (uint64_t block = 0; block < work.blocks(); ++block) work.run(block);
  return out;
}

// [batch][groups] of the scale's type
inline std::vector<char> run_scores(const Kernels& k, const Program& program, const Scale& scale,
                                    const RowSource& source, uint64_t batch, size_t words) {
  const Schedule ready = schedule(program, scale.groups);
  const PackPlan plan(ready, source.layout);
  const ScorePlan scores(ready, scale);
  std::vector<char> out(batch * scale.groups * type_size(scale.type), 7);
  const Batch work{ready, plan, source, &scores, batch, out.data(), words, &k};
  for (uint64_t block = 0; block < work.blocks(); ++block) work.run(block);
  return out;
}

// The words that PackBits gives for rows of bytes, [n][ceil(batch / 64)]; bits beyond the batch are
// random, since nothing may depend on them.
inline std::vector<uint64_t> pack_rows(Random& random, const std::vector<uint8_t>& bits,
                                       uint64_t batch, uint32_t n) {
  const uint64_t width = (batch + 63) / 64;
  std::vector<uint64_t> result(n * width);
  for (uint64_t& word : result) word = random.word();
  for (uint64_t s = 0; s < batch; ++s)
    for (uint32_t i = 0; i < n; ++i) {
      uint64_t& word = result[i * width + s / 64];
      const uint64_t bit = uint64_t{1} << s % 64;
      word = bits[s * n + i] ? word | bit : word & ~bit;
    }
  return result;
}

inline RowSource packed_source(const Program& program, const std::vector<uint64_t>& words,
                               uint64_t batch) {
  const char* x = reinterpret_cast<const char*>(words.data());
  return {x,       Type::kUint64,        {program.n_inputs, 1},
          nullptr, x + 8 * words.size(), (batch + 63) / 64};
}

}  // namespace lgnx::testing
