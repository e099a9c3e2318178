// Runs samples through the logic of a design, 64 of them in the lanes of every net at a time.
//
// Each module of logic was verilated apart, 64 lanes wide; parts.h names them in their order:
// LGNX_STAGES(X) lists X(class, member), and where ones are counted LGNX_POPCOUNT is the class of
// the counter, LGNX_COUNT_WIDTH the bits of a count and LGNX_POPCOUNT_CLOCKS its registers.
// LGNX_OUT is the number of output bits of a sample. For each input bit kFeature has its feature,
// kAlways whether the feature itself is the bit, kLimit the code that it must exceed; LGNX_CODE is
// the type of a code as the port compares it, of LGNX_FEATURES a sample. LGNX_ALL_BITS: every
// feature itself is the bit.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "parts.h"
#include "verilated.h"

#define LGNX_EXPORT extern "C" __attribute__((visibility("default")))

// Verilator's own versions of these end the process.
void vl_fatal(const char* file, int line, const char*, const char* message) {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + message);
}
void vl_finish(const char* file, int line, const char*) {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": Verilog $finish");
}

namespace {

using Code = LGNX_CODE;
constexpr uint64_t kLanes = 64;
constexpr uint64_t kBits = sizeof(kFeature) / sizeof(kFeature[0]);
#ifdef LGNX_ALL_BITS
constexpr uint64_t kFlags = LGNX_FEATURES;  // all are packed, then those that are read taken
#else
constexpr uint64_t kFlags = kBits;
#endif
constexpr uint64_t kRow = (kFlags + 63) / 64, kOutRow = (uint64_t(LGNX_OUT) + 63) / 64;

// Turns bit j of word i into bit i of word j (Hacker's Delight, section 7-3).
void transpose(uint64_t* words) {
  uint64_t mask = 0x00000000FFFFFFFFu;
  for (unsigned step = 32; step != 0; step >>= 1, mask ^= mask << step)
    for (unsigned k = 0; k < kLanes; k = (k + step + 1) & ~step) {
      const uint64_t swap = ((words[k] >> step) ^ words[k + step]) & mask;
      words[k] ^= swap << step;
      words[k + step] ^= swap;
    }
}

class Lanes {
 public:
  // The words of the input bits of up to 64 samples; the other lanes are zero.
  void pack(const Code* codes, uint64_t count) {
    std::memset(rows_, 0, sizeof rows_);
    for (uint64_t s = 0; s < count; ++s) {
      const Code* sample = codes + s * LGNX_FEATURES;
#ifdef LGNX_ALL_BITS
      for (uint64_t i = 0; i < kFlags; ++i) flags_[i] = uint8_t(sample[i]);
#else
      for (uint64_t i = 0; i < kBits; ++i)
        flags_[i] = kAlways[i] ? uint8_t(sample[kFeature[i]] & 1)
                               : uint8_t(sample[kFeature[i]] > Code(kLimit[i]));
#endif
      for (uint64_t i = 0; i < kRow; ++i) {
        uint64_t word = 0;
        for (unsigned j = 0; j < 8; ++j) {  // eight flags become eight bits by one product
          uint64_t eight;
          std::memcpy(&eight, flags_ + 64 * i + 8 * j, 8);
          word |= (eight * 0x0102040810204080u) >> 56 << (8 * j);
        }
        rows_[i][s] = word;
      }
    }
    for (auto& block : rows_) transpose(block);
#ifdef LGNX_ALL_BITS
    for (uint64_t i = 0; i < kBits; ++i) bits_[i] = rows_[kFeature[i] / 64][kFeature[i] % 64];
#else
    std::memcpy(bits_, rows_, sizeof bits_);
#endif
  }

  // Through all the logic. Words of neighbouring modules have the same layout.
  void step() {
    const void* words = bits_;
    std::size_t size = sizeof bits_;
#define LGNX_STEP(type, member)                                                  \
  if (sizeof(member.x) != size) throw std::runtime_error(#type ": other width"); \
  std::memcpy(&member.x[0], words, size);                                        \
  member.eval();                                                                 \
  words = &member.y[0];                                                          \
  size = sizeof(member.y);
    LGNX_STAGES(LGNX_STEP)
#undef LGNX_STEP
#ifdef LGNX_POPCOUNT
    const char* group = static_cast<const char*>(words);
    constexpr uint64_t groups = LGNX_OUT / LGNX_COUNT_WIDTH;
    if (sizeof(popcount_.x) * groups != size) throw std::runtime_error("popcount: other width");
    for (uint64_t g = 0; g < groups; ++g) {
      std::memcpy(&popcount_.x[0], group + g * sizeof(popcount_.x), sizeof(popcount_.x));
      popcount_.eval();
#if LGNX_POPCOUNT_CLOCKS
#ifdef LGNX_POPCOUNT_ENABLE
      popcount_.enable = 1;
#endif
      for (int i = 0; i < LGNX_POPCOUNT_CLOCKS; ++i)
        for (int level : {0, 1}) {
          popcount_.clk = level;
          popcount_.eval();
        }
#endif
      std::memcpy(out_ + g * LGNX_COUNT_WIDTH, &popcount_.count[0], sizeof(popcount_.count));
    }
#else
    if (size != sizeof(uint64_t) * LGNX_OUT) throw std::runtime_error("outputs: other width");
    std::memcpy(out_, words, size);
#endif
  }

  // The output bits of each sample, 64 to a word.
  void unpack(uint64_t* results, uint64_t count) {
    uint64_t block[kLanes];
    for (uint64_t i = 0; i < kOutRow; ++i) {
      std::memcpy(block, out_ + kLanes * i, sizeof block);
      transpose(block);
      for (uint64_t s = 0; s < count; ++s) results[s * kOutRow + i] = block[s];
    }
  }

 private:
#define LGNX_MEMBER(type, member) type member{&context_, #member};
  VerilatedContext context_;
  LGNX_STAGES(LGNX_MEMBER)
#undef LGNX_MEMBER
#ifdef LGNX_POPCOUNT
  LGNX_POPCOUNT popcount_{&context_, "popcount"};
#endif
  uint8_t flags_[64 * kRow] = {};
  uint64_t rows_[kRow][kLanes] = {};
  uint64_t bits_[kBits] = {};
  uint64_t out_[kLanes * kOutRow] = {};
};

template <class Body>
int guard(char* error, uint64_t error_size, Body body) {
  std::string message = "unknown C++ exception";
  try {
    body();
    return 0;
  } catch (const std::exception& problem) {
    message = problem.what();
  } catch (...) {
  }
  if (error_size > 0) std::snprintf(error, error_size, "%s", message.c_str());
  return 1;
}

}  // namespace

LGNX_EXPORT void* lgnx_lanes_new(char* error, uint64_t error_size) {
  Lanes* lanes = nullptr;
  guard(error, error_size, [&] { lanes = new Lanes; });
  return lanes;
}

// codes: [count][features]; results: [count][words of 64 output bits].
LGNX_EXPORT int lgnx_lanes_run(void* handle, const Code* codes, uint64_t count, uint64_t* results,
                               char* error, uint64_t error_size) {
  return guard(error, error_size, [&] {
    Lanes& lanes = *static_cast<Lanes*>(handle);
    for (uint64_t first = 0; first < count; first += kLanes) {
      const uint64_t some = std::min(kLanes, count - first);
      lanes.pack(codes + first * LGNX_FEATURES, some);
      lanes.step();
      lanes.unpack(results + first * kOutRow, some);
    }
  });
}
