// What the fuzz targets share: reading the input as numbers, and stopping at a difference.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "testing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace lgnx::testing {

inline void must(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "difference: %s\n", what);
  std::abort();
}

// Takes the input apart; zeros follow its end.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  uint32_t byte() { return at_ < end_ ? *at_++ : 0; }
  uint32_t pair() {
    const uint32_t low = byte();
    return low | byte() << 8;
  }
  // n bytes; the rest of the input again and again.
  std::vector<char> repeated(size_t n) const {
    std::vector<char> result(n, 0);
    if (left())
      for (size_t i = 0; i < n; ++i) result[i] = static_cast<char>(at_[i % left()]);
    return result;
  }

 private:
  const uint8_t *at_, *end_;
};

// A number that depends on every byte of the input.
inline uint64_t seed(const uint8_t* data, size_t size) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 0x100000001B3ull;
  return hash;
}

}  // namespace lgnx::testing
