// From counts in the fields of words to rows of scores.
#pragma once
#include <type_traits>

#include "vectors.inc.h"

namespace lgnx {
namespace {

struct Rows {
  const uint64_t* tile;
  size_t lanes;
  bool packed;
  uint64_t n;
};

template <class T, size_t N>
struct VectorOfNumbers {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};

// The fields of a word.
template <class Field>
inline typename VectorOfNumbers<int32_t, 8 / sizeof(Field)>::type fields_of(uint64_t word) {
  typedef typename VectorOfNumbers<int32_t, 8 / sizeof(Field)>::type Counts;
#if defined(__AVX2__)
  const __m128i in = _mm_cvtsi64_si128(static_cast<int64_t>(word));
  if constexpr (sizeof(Field) == 1) return (Counts)_mm256_cvtepu8_epi32(in);
  if constexpr (sizeof(Field) == 2) return (Counts)_mm_cvtepu16_epi32(in);
#endif
  Counts counts{};
  for (size_t f = 0; f < 8 / sizeof(Field); ++f)
    counts[f] = static_cast<int32_t>(static_cast<Field>(word >> 8 * sizeof(Field) * f));
  return counts;
}

// The scores of the counts; the steps, and their order, are those of write_score.
template <class T, size_t N>
inline typename VectorOfNumbers<T, N>::type scaled(
    typename VectorOfNumbers<int32_t, N>::type counts, const Scale& scale) {
  typedef typename VectorOfNumbers<T, N>::type V;
  V value = __builtin_convertvector(counts, V);
  if constexpr (T(0.5) == 0) {
    // Whole numbers; sums wrap.
    typedef typename VectorOfNumbers<std::make_unsigned_t<T>, N>::type U;
    const U offset = U{} + static_cast<std::make_unsigned_t<T>>(static_cast<T>(scale.bias)) +
                     static_cast<std::make_unsigned_t<T>>(static_cast<T>(scale.beta));
    value = (V)((U)value + offset);
  } else {
    if (scale.bias != 0) value = value + static_cast<T>(scale.bias);
    if (scale.tau != 1) value = value / static_cast<T>(scale.tau);
    if (scale.beta != 0) value = value + static_cast<T>(scale.beta);
  }
  return value;
}

template <class T, class Field>
void write_scores(const Rows& rows, uint32_t fields, const uint32_t* ones, const Scale& scale,
                  char* out, const char* end) {
  constexpr size_t kFields = 8 / sizeof(Field);
  typedef typename VectorOfNumbers<int32_t, kFields>::type Counts;
  typedef typename VectorOfNumbers<T, kFields>::type Scores;
  Counts offset{};
  for (uint32_t f = 0; f < fields; ++f) offset[f] = static_cast<int32_t>(ones[f]);
  const size_t stride = scale.groups * sizeof(T);
  for (uint64_t r = 0; r < rows.n; ++r, out += stride) {
    const uint64_t word = rows.tile[word_of(r, rows.lanes, rows.packed)];
    const Counts counts = fields_of<Field>(word) + offset;
    const Scores scores = scaled<T, kFields>(counts, scale);
    if (end - out >= static_cast<ptrdiff_t>(sizeof scores))
      std::memcpy(out, &scores, sizeof scores);
    else
      std::memcpy(out, &scores, fields * sizeof(T));
  }
}

template <class T>
void write_fields(const Rows& rows, unsigned field, uint32_t fields, const uint32_t* ones,
                  const Scale& scale, char* out, const char* end) {
  if (field == 8) return write_scores<T, uint8_t>(rows, fields, ones, scale, out, end);
  if (field == 16) return write_scores<T, uint16_t>(rows, fields, ones, scale, out, end);
  write_scores<T, uint32_t>(rows, fields, ones, scale, out, end);
}

void scores(const uint64_t* tile, size_t lanes, bool packed, uint64_t n, unsigned field,
            uint32_t fields, const uint32_t* ones, const Scale& scale, char* out, const char* end) {
  const Rows rows{tile, lanes, packed, n};
  switch (scale.type) {
    case Type::kFloat:
      return write_fields<float>(rows, field, fields, ones, scale, out, end);
    case Type::kDouble:
      return write_fields<double>(rows, field, fields, ones, scale, out, end);
    case Type::kInt32:
      return write_fields<int32_t>(rows, field, fields, ones, scale, out, end);
    default:
      return write_fields<int64_t>(rows, field, fields, ones, scale, out, end);
  }
}

}  // namespace
}  // namespace lgnx
