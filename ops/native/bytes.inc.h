// Bits as bytes of 0 and 1: those of tiles, and those of comparisons.
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

// 64 bits to 64 bytes.
inline void expand_word(uint64_t bits, uint8_t* out) {
#if defined(__AVX2__)
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                          2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i select = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ull));
  for (int half = 0; half < 2; ++half) {
    const __m256i word = _mm256_set1_epi32(static_cast<int>(bits >> 32 * half));
    const __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(word, spread), select);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 32 * half),
                        _mm256_min_epu8(bit, _mm256_set1_epi8(1)));
  }
#else
  for (int i = 0; i < 8; ++i) {
    // Bit j stays in byte j alone; adding 0x7F carries it to the top of the byte.
    const uint64_t one = (bits >> 8 * i & 0xFF) * 0x0101010101010101ull & 0x8040201008040201ull;
    const uint64_t bytes = (one + 0x7F7F7F7F7F7F7F7Full) >> 7 & 0x0101010101010101ull;
    std::memcpy(out + 8 * i, &bytes, 8);
  }
#endif
}

void expand(const uint64_t* tiles, size_t lanes, bool packed, uint64_t rows, uint64_t bits,
            uint8_t* out, uint64_t stride) {
  for (uint64_t r = 0; r < rows; ++r, out += stride) {
    const uint64_t* word = tiles + word_of(r, lanes, packed);
    uint64_t at = 0;
    for (; at + 64 <= bits; at += 64, word += tile_stride(lanes)) expand_word(*word, out + at);
    if (at < bits) {
      uint8_t tail[64];
      expand_word(*word, tail);
      std::memcpy(out + at, tail, bits - at);
    }
  }
}

template <class T, bool Strict>
void compare_numbers(const T* x, const T* t, uint64_t features, uint64_t per_feature,
                     uint8_t* out) {
  if (per_feature == 1) {
    for (uint64_t f = 0; f < features; ++f) out[f] = Strict ? x[f] > t[f] : x[f] >= t[f];
    return;
  }
  for (uint64_t f = 0; f < features; ++f, t += per_feature, out += per_feature) {
    const T value = x[f];
    for (uint64_t b = 0; b < per_feature; ++b) out[b] = Strict ? value > t[b] : value >= t[b];
  }
}

template <class T>
void compare_typed(const char* x, const char* thresholds, bool strict, uint64_t features,
                   uint64_t per_feature, uint8_t* out) {
  const T *values = reinterpret_cast<const T*>(x), *t = reinterpret_cast<const T*>(thresholds);
  if (strict)
    compare_numbers<T, true>(values, t, features, per_feature, out);
  else
    compare_numbers<T, false>(values, t, features, per_feature, out);
}

void compare(const char* x, Type type, const char* t, bool strict, uint64_t features,
             uint64_t per_feature, uint8_t* out) {
  switch (type) {
    case Type::kFloat:
      return compare_typed<float>(x, t, strict, features, per_feature, out);
    case Type::kDouble:
      return compare_typed<double>(x, t, strict, features, per_feature, out);
    case Type::kFloat16:
      for (uint64_t f = 0; f < features; ++f) {
        uint16_t half;
        std::memcpy(&half, x + 2 * f, sizeof half);
        const float value = lgnx::half_to_float(half);
        compare_typed<float>(reinterpret_cast<const char*>(&value), t + 4 * f * per_feature, strict,
                             1, per_feature, out + f * per_feature);
      }
      return;
    case Type::kInt8:
      return compare_typed<int8_t>(x, t, strict, features, per_feature, out);
    case Type::kInt16:
      return compare_typed<int16_t>(x, t, strict, features, per_feature, out);
    case Type::kUint16:
      return compare_typed<uint16_t>(x, t, strict, features, per_feature, out);
    case Type::kInt32:
      return compare_typed<int32_t>(x, t, strict, features, per_feature, out);
    case Type::kUint32:
      return compare_typed<uint32_t>(x, t, strict, features, per_feature, out);
    case Type::kInt64:
      return compare_typed<int64_t>(x, t, strict, features, per_feature, out);
    case Type::kUint64:
      return compare_typed<uint64_t>(x, t, strict, features, per_feature, out);
    default:
      return compare_typed<uint8_t>(x, t, strict, features, per_feature, out);
  }
}

}  // namespace
}  // namespace lgnx
