// The row pass: rows of numbers to masks of bits.
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

#if defined(__AVX2__)
constexpr size_t kRowBytes = 32;
#else
constexpr size_t kRowBytes = 16;
#endif

template <class T>
struct RowVector {
  typedef T type __attribute__((vector_size(kRowBytes), aligned(1), may_alias));
};

// The sign bits of the elements of a vector that are each all ones or all zeros.
template <size_t Size, class V>
inline uint64_t sign_bits(V v) {
#if defined(__AVX2__)
  if constexpr (Size == 1) return static_cast<uint32_t>(_mm256_movemask_epi8((__m256i)v));
  if constexpr (Size == 2) {
    const __m128i low = _mm256_castsi256_si128((__m256i)v);
    const __m128i high = _mm256_extracti128_si256((__m256i)v, 1);
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
  }
  if constexpr (Size == 4) return static_cast<uint32_t>(_mm256_movemask_ps((__m256)v));
  return static_cast<uint32_t>(_mm256_movemask_pd((__m256d)v));
#elif defined(__SSE2__)
  if constexpr (Size == 1) return static_cast<uint32_t>(_mm_movemask_epi8((__m128i)v));
  if constexpr (Size == 2) {
    const __m128i zero = _mm_setzero_si128();
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16((__m128i)v, zero)));
  }
  if constexpr (Size == 4) return static_cast<uint32_t>(_mm_movemask_ps((__m128)v));
  return static_cast<uint32_t>(_mm_movemask_pd((__m128d)v));
#elif defined(__aarch64__)
  // Each element keeps the bit of its place, and their sum is the mask.
  if constexpr (Size == 1) {
    const uint8x16_t places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vandq_u8((uint8x16_t)v, places);
    return vaddv_u8(vget_low_u8(bits)) | uint32_t{vaddv_u8(vget_high_u8(bits))} << 8;
  }
  if constexpr (Size == 2)
    return vaddvq_u16(vandq_u16((uint16x8_t)v, uint16x8_t{1, 2, 4, 8, 16, 32, 64, 128}));
  if constexpr (Size == 4) return vaddvq_u32(vandq_u32((uint32x4_t)v, uint32x4_t{1, 2, 4, 8}));
  return vaddvq_u64(vandq_u64((uint64x2_t)v, uint64x2_t{1, 2}));
#else
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof(V) / Size; ++i) bits |= uint64_t{v[i] != 0} << i;
  return bits;
#endif
}

// Each reads 64 numbers and gives the bits of their tests.
template <class T>
struct Nonzero {
  static constexpr size_t kSize = sizeof(T);
  typedef T Threshold;
  static uint64_t mask(const char* x, const char*) {
    typedef typename RowVector<T>::type V;
    const V* v = reinterpret_cast<const V*>(x);
    constexpr size_t kEach = sizeof(V) / sizeof(T);
    uint64_t mask = 0;
#pragma GCC unroll 16
    for (size_t i = 0; i < 64 / kEach; ++i)
      mask |= sign_bits<sizeof(T)>(v[i] == V{}) << (i * kEach);
    return ~mask;
  }
};

template <class T, bool Strict>
struct Above {
  static constexpr size_t kSize = sizeof(T);
  typedef T Threshold;
  static uint64_t mask(const char* x, const char* thresholds) {
    typedef typename RowVector<T>::type V;
    const V* v = reinterpret_cast<const V*>(x);
    const V* t = reinterpret_cast<const V*>(thresholds);
    constexpr size_t kEach = sizeof(V) / sizeof(T);
    uint64_t mask = 0;
#pragma GCC unroll 16
    for (size_t i = 0; i < 64 / kEach; ++i)
      mask |= sign_bits<sizeof(T)>(Strict ? v[i] > t[i] : v[i] >= t[i]) << (i * kEach);
    return mask;
  }
};

inline void half_to_float(const char* x, float* out) {
#if defined(__F16C__)
  for (size_t i = 0; i < 8; ++i)
    _mm256_storeu_ps(
        out + 8 * i,
        _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + 16 * i))));
#else
  for (size_t i = 0; i < 64; ++i) {
    uint16_t half;
    std::memcpy(&half, x + 2 * i, sizeof half);
    out[i] = lgnx::half_to_float(half);
  }
#endif
}

template <bool Strict>
struct HalfAbove {
  static constexpr size_t kSize = 2;
  typedef float Threshold;
  static uint64_t mask(const char* x, const char* thresholds) {
    float value[64];
    half_to_float(x, value);
    return Above<float, Strict>::mask(reinterpret_cast<const char*>(value), thresholds);
  }
};

// Where 64 numbers from x on can be read; the last ones of all are copied.
template <class Test>
inline const char* readable(const RowSource& source, const char* x, uint64_t left, char* copy) {
  if (left >= 64 || source.end - x >= static_cast<ptrdiff_t>(64 * Test::kSize)) return x;
  std::memset(copy, 0, 64 * Test::kSize);
  std::memcpy(copy, x, left * Test::kSize);
  return copy;
}

constexpr uint64_t kAhead = 8;  // rows

// A piece of a row that will be read after some others. Rows are far apart where only a piece of
// each is read at a time, so that the processor does not foresee them.
inline void expect(const char* piece, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(piece + at);
}

// One threshold, or none.
template <class Test>
void test_plane(const RowSource& source, uint64_t start, uint64_t rows, uint64_t first,
                uint64_t last, uint64_t* tiles, size_t lanes) {
  const uint64_t features = source.layout.features,
                 whole = last < features / 64 ? last : features / 64;
  const size_t row_bytes = features * Test::kSize, stride = tile_stride(lanes);
  // Without thresholds their pointer stays null.
  const size_t threshold_bytes = source.thresholds ? 64 * sizeof(typename Test::Threshold) : 0;
  const char* thresholds =
      source.thresholds ? source.thresholds->values + first * threshold_bytes : nullptr;
  for (uint64_t r = 0; r < rows; ++r) {
    const char* x = source.x + (start + r) * row_bytes + 64 * first * Test::kSize;
    const char* t = thresholds;
    uint64_t* target = tiles + r;
    for (uint64_t tile = first; tile < whole; ++tile, target += stride) {
      *target = Test::mask(x, t);
      x += 64 * Test::kSize;
      t += threshold_bytes;
    }
    if (whole == last) continue;
    char copy[64 * Test::kSize];
    const uint64_t left = features % 64;
    *target = Test::mask(readable<Test>(source, x, left, copy), t) & ((uint64_t{1} << left) - 1);
  }
}

template <class Test>
void test_rows(const RowSource& source, uint64_t start, uint64_t rows, uint64_t first,
               uint64_t last, uint64_t* tiles, size_t lanes) {
  const uint64_t features = source.layout.features, planes = source.layout.per_feature;
  if (planes == 1) return test_plane<Test>(source, start, rows, first, last, tiles, lanes);
  const uint64_t plane_bits = source.layout.plane_bits();
  const size_t row_bytes = features * Test::kSize, stride = tile_stride(lanes);
  const size_t threshold_bytes = source.layout.plane_stride() * sizeof(typename Test::Threshold);
  const char* thresholds = source.thresholds ? source.thresholds->values : nullptr;
  const uint64_t per_tile = plane_bits < 64 ? 64 / plane_bits : 1;
  const uint64_t first_group = plane_bits < 64 ? 0 : first / planes;
  const uint64_t end_group = plane_bits < 64 ? 1 : (last + planes - 1) / planes;
  const size_t piece = 64 * first_group * Test::kSize;
  const size_t end = 64 * end_group * Test::kSize;
  const size_t piece_bytes = (end < row_bytes ? end : row_bytes) - piece;
  for (uint64_t r = 0; r < rows; ++r) {
    const char* row = source.x + (start + r) * row_bytes;
    uint64_t* target = tiles + r;
    if (r + kAhead < rows) expect(row + kAhead * row_bytes + piece, piece_bytes);
    for (uint64_t group = first_group; group < end_group; ++group) {
      const uint64_t left = features - 64 * group;
      const uint64_t valid = left < 64 ? (uint64_t{1} << left) - 1 : ~uint64_t{0};
      char copy[64 * Test::kSize];
      const char* x = readable<Test>(source, row + 64 * group * Test::kSize, left, copy);
      const char* t = thresholds + 64 * group * sizeof(typename Test::Threshold);
      if (plane_bits < 64) {
        for (uint64_t tile = first; tile < last; ++tile, target += stride) {
          uint64_t mask = 0;
          for (uint64_t p = 0; p < per_tile && tile * per_tile + p < planes; ++p)
            mask |= (Test::mask(x, t + (tile * per_tile + p) * threshold_bytes) & valid)
                    << p * plane_bits;
          *target = mask;
        }
        continue;
      }
      const uint64_t begin = group * planes;
      const uint64_t b_first = first > begin ? first - begin : 0;
      const uint64_t b_last = last - begin < planes ? last - begin : planes;
      for (uint64_t b = b_first; b < b_last; ++b, target += stride)
        *target = Test::mask(x, t + b * threshold_bytes) & valid;
    }
  }
}

template <class T>
void test_numbers(const RowSource& source, uint64_t start, uint64_t rows, uint64_t first,
                  uint64_t last, uint64_t* tiles, size_t lanes) {
  if (!source.thresholds)
    test_rows<Nonzero<T>>(source, start, rows, first, last, tiles, lanes);
  else if (source.thresholds->strict)
    test_rows<Above<T, true>>(source, start, rows, first, last, tiles, lanes);
  else
    test_rows<Above<T, false>>(source, start, rows, first, last, tiles, lanes);
}

void row_masks(const RowSource& source, uint64_t start, uint64_t rows, uint64_t first,
               uint64_t last, uint64_t* tiles, size_t lanes) {
  switch (source.type) {
    case Type::kFloat:
      return test_numbers<float>(source, start, rows, first, last, tiles, lanes);
    case Type::kDouble:
      return test_numbers<double>(source, start, rows, first, last, tiles, lanes);
    case Type::kFloat16:  // always with thresholds
      if (source.thresholds->strict)
        return test_rows<HalfAbove<true>>(source, start, rows, first, last, tiles, lanes);
      return test_rows<HalfAbove<false>>(source, start, rows, first, last, tiles, lanes);
    case Type::kInt8:
      return test_numbers<int8_t>(source, start, rows, first, last, tiles, lanes);
    case Type::kInt16:
      return test_numbers<int16_t>(source, start, rows, first, last, tiles, lanes);
    case Type::kUint16:
      return test_numbers<uint16_t>(source, start, rows, first, last, tiles, lanes);
    case Type::kInt32:
      return test_numbers<int32_t>(source, start, rows, first, last, tiles, lanes);
    case Type::kUint32:
      return test_numbers<uint32_t>(source, start, rows, first, last, tiles, lanes);
    case Type::kInt64:
      return test_numbers<int64_t>(source, start, rows, first, last, tiles, lanes);
    case Type::kUint64:
      return test_numbers<uint64_t>(source, start, rows, first, last, tiles, lanes);
    default:
      return test_numbers<uint8_t>(source, start, rows, first, last, tiles, lanes);
  }
}

}  // namespace
}  // namespace lgnx
