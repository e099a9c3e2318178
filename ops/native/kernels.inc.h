// The kernels, compiled once for each instruction set by kernels_*.cpp. Vector types of the
// compiler are lowered to whatever the flags of the including file allow.
//
// Everything here has internal linkage: an inline function shared between differently compiled
// files could be linked in its most demanding version.
#include <cstring>

#include "engine.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace lgnx {
namespace {

// A vector of N words, aligned to its size.
template <size_t N>
struct VectorOf {
  typedef uint64_t type __attribute__((vector_size(8 * N)));
};

// The function of two inputs whose truth table is T.
template <unsigned T, class V>
inline V gate2(V a, V b) {
  if constexpr (T == 0x0) return a ^ a;
  if constexpr (T == 0x1) return ~(a | b);
  if constexpr (T == 0x2) return a & ~b;
  if constexpr (T == 0x3) return ~b;
  if constexpr (T == 0x4) return b & ~a;
  if constexpr (T == 0x5) return ~a;
  if constexpr (T == 0x6) return a ^ b;
  if constexpr (T == 0x7) return ~(a & b);
  if constexpr (T == 0x8) return a & b;
  if constexpr (T == 0x9) return ~(a ^ b);
  if constexpr (T == 0xA) return a;
  if constexpr (T == 0xB) return a | ~b;
  if constexpr (T == 0xC) return b;
  if constexpr (T == 0xD) return b | ~a;
  if constexpr (T == 0xE) return a | b;
  return ~(a ^ a);
}

template <unsigned T, class V, size_t M>
void run2(const uint32_t* operands, uint32_t count, V* lines) {
  for (uint32_t g = 0; g < count; ++g, operands += 3) {
    const V* a = lines + size_t{operands[0]} * M;
    const V* b = lines + size_t{operands[1]} * M;
    V* y = lines + size_t{operands[2]} * M;
    // The target may be one of the sources: each part is read before it is written.
    for (size_t m = 0; m < M; ++m) y[m] = gate2<T, V>(a[m], b[m]);
  }
}

// A table of k inputs as a tree of multiplexers over its leaves: pairs of table bits in x_0.
template <class V, size_t M>
void run_k(const Step& step, const uint32_t* operands, V* lines) {
  const uint32_t k = step.k, leaves = 1u << (k - 1);
  for (uint32_t g = 0; g < step.count; ++g, operands += k + 1)
    for (size_t m = 0; m < M; ++m) {
      V x[6], node[32];
      for (uint32_t i = 0; i < k; ++i) x[i] = lines[size_t{operands[i]} * M + m];
      const V zero = x[0] ^ x[0];
      for (uint32_t j = 0; j < leaves; ++j) {
        const unsigned pair = step.table >> (2 * j) & 3;
        node[j] = pair == 0 ? zero : pair == 1 ? ~x[0] : pair == 2 ? x[0] : ~zero;
      }
      for (uint32_t i = 1, width = leaves / 2; i < k; ++i, width /= 2)
        for (uint32_t j = 0; j < width; ++j)
          node[j] = node[2 * j] ^ (x[i] & (node[2 * j] ^ node[2 * j + 1]));
      lines[size_t{operands[k]} * M + m] = node[0];
    }
}

template <class V, size_t M>
void run_steps(const Schedule& schedule, uint64_t* words) {
  V* lines = reinterpret_cast<V*>(words);
  for (const Step& step : schedule.steps) {
    const uint32_t* operands = schedule.operands.data() + step.first;
    if (step.k != 2) {
      run_k<V, M>(step, operands, lines);
      continue;
    }
    switch (step.table) {
#define LGNX_GATE(T)                            \
  case T:                                       \
    run2<T, V, M>(operands, step.count, lines); \
    break;
      // clang-format off
      LGNX_GATE(0x0) LGNX_GATE(0x1) LGNX_GATE(0x2) LGNX_GATE(0x3)
      LGNX_GATE(0x4) LGNX_GATE(0x5) LGNX_GATE(0x6) LGNX_GATE(0x7)
      LGNX_GATE(0x8) LGNX_GATE(0x9) LGNX_GATE(0xA) LGNX_GATE(0xB)
      LGNX_GATE(0xC) LGNX_GATE(0xD) LGNX_GATE(0xE) LGNX_GATE(0xF)
      // clang-format on
#undef LGNX_GATE
    }
  }
}

void execute(const Schedule& schedule, uint64_t* lines, size_t words) {
  switch (words) {
    case 1:
      return run_steps<uint64_t, 1>(schedule, lines);
    case 4:
      return run_steps<VectorOf<4>::type, 1>(schedule, lines);
    case 8:
      return run_steps<VectorOf<8>::type, 1>(schedule, lines);
    case 16:
      return run_steps<VectorOf<8>::type, 2>(schedule, lines);
    default:
      return run_steps<VectorOf<8>::type, 4>(schedule, lines);
  }
}

// ------------------------------------------------------------------------------ packing

template <class T>
struct Number {
  typedef T type;
  static T load(const char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
};

struct Half {
  typedef float type;
  static float load(const char* at) {
    uint16_t half;
    std::memcpy(&half, at, sizeof half);
    return half_to_float(half);
  }
};

template <class N>
void nonzero_masks(const RowSource& source, const char* row, uint64_t* masks, size_t size) {
  for (uint64_t start = 0; start < source.bits; start += 64) {
    const uint64_t n = source.bits - start < 64 ? source.bits - start : 64;
    uint64_t mask = 0;
    for (uint64_t j = 0; j < n; ++j) mask |= uint64_t{N::load(row + (start + j) * size) != 0} << j;
    masks[start / 64] = mask;
  }
}

template <class N, bool Strict>
void threshold_masks(const RowSource& source, const char* row, uint64_t* masks, size_t size) {
  typedef typename N::type T;
  const T* thresholds = reinterpret_cast<const T*>(source.thresholds->values);
  const uint32_t per_feature = source.thresholds->per_feature;
  std::memset(masks, 0, (source.bits + 63) / 64 * 8);
  uint64_t bit = 0;
  for (uint64_t f = 0; f < source.features; ++f) {
    const T value = N::load(row + f * size);
    for (uint32_t t = 0; t < per_feature; ++t, ++bit) {
      const bool above = Strict ? value > thresholds[bit] : value >= thresholds[bit];
      masks[bit / 64] |= uint64_t{above} << bit % 64;
    }
  }
}

template <class N>
void number_masks(const RowSource& source, const char* row, uint64_t* masks, size_t size) {
  if (!source.thresholds)
    nonzero_masks<N>(source, row, masks, size);
  else if (source.thresholds->strict)
    threshold_masks<N, true>(source, row, masks, size);
  else
    threshold_masks<N, false>(source, row, masks, size);
}

#if defined(__AVX2__)
// Bytes, 32 at a time; gives the number of bits done.
uint64_t byte_masks_avx2(const RowSource& source, const char* row, uint64_t* masks) {
  const __m256i zero = _mm256_setzero_si256();
  uint64_t start = 0;
  for (; start + 64 <= source.bits; start += 64) {
    const __m256i* p = reinterpret_cast<const __m256i*>(row + start);
    const __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256(p), zero);
    const __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256(p + 1), zero);
    const uint64_t a = static_cast<uint32_t>(_mm256_movemask_epi8(low));
    const uint64_t b = static_cast<uint32_t>(_mm256_movemask_epi8(high));
    masks[start / 64] = ~(a | b << 32);
  }
  return start;
}

// One strict threshold for each float, 8 at a time; gives the number of bits done.
uint64_t float_masks_avx2(const RowSource& source, const char* row, uint64_t* masks) {
  const float* x = reinterpret_cast<const float*>(row);
  const float* t = reinterpret_cast<const float*>(source.thresholds->values);
  uint64_t start = 0;
  for (; start + 64 <= source.bits; start += 64) {
    uint64_t mask = 0;
    for (uint64_t j = 0; j < 64; j += 8) {
      const __m256 above =
          _mm256_cmp_ps(_mm256_loadu_ps(x + start + j), _mm256_loadu_ps(t + start + j), _CMP_GT_OQ);
      mask |= uint64_t(static_cast<uint32_t>(_mm256_movemask_ps(above))) << j;
    }
    masks[start / 64] = mask;
  }
  return start;
}
#endif

// Does what it can with vectors, the rest of the row one by one.
template <class N>
void finish_masks(const RowSource& source, const char* row, uint64_t* masks, size_t size,
                  uint64_t done) {
  RowSource tail = source;
  tail.features = tail.bits = source.bits - done;
  if (!tail.bits) return;
  Thresholds rest{};
  if (source.thresholds) {
    rest = *source.thresholds;
    rest.values += done * sizeof(typename N::type);
    tail.thresholds = &rest;
  }
  number_masks<N>(tail, row + done * size, masks + done / 64, size);
}

void row_masks(const RowSource& source, uint64_t sample, uint64_t* masks) {
  const size_t size = type_size(source.type);
  const char* row = source.x + sample * source.features * size;
#if defined(__AVX2__)
  if (size == 1 && !source.thresholds)
    return finish_masks<Number<uint8_t>>(source, row, masks, 1,
                                         byte_masks_avx2(source, row, masks));
  if (source.type == Type::kFloat && source.thresholds && source.thresholds->strict &&
      source.thresholds->per_feature == 1)
    return finish_masks<Number<float>>(source, row, masks, 4, float_masks_avx2(source, row, masks));
#endif
  switch (source.type) {
    case Type::kFloat:
      return number_masks<Number<float>>(source, row, masks, size);
    case Type::kDouble:
      return number_masks<Number<double>>(source, row, masks, size);
    case Type::kFloat16:
      return number_masks<Half>(source, row, masks, size);
    case Type::kInt8:
      return number_masks<Number<int8_t>>(source, row, masks, size);
    case Type::kInt16:
      return number_masks<Number<int16_t>>(source, row, masks, size);
    case Type::kUint16:
      return number_masks<Number<uint16_t>>(source, row, masks, size);
    case Type::kInt32:
      return number_masks<Number<int32_t>>(source, row, masks, size);
    case Type::kUint32:
      return number_masks<Number<uint32_t>>(source, row, masks, size);
    case Type::kInt64:
      return number_masks<Number<int64_t>>(source, row, masks, size);
    case Type::kUint64:
      return number_masks<Number<uint64_t>>(source, row, masks, size);
    default:
      return number_masks<Number<uint8_t>>(source, row, masks, size);
  }
}

// Transposes a matrix of 64 x 64 bits by swapping ever smaller squares (Warren, Hacker's Delight,
// section 7-3).
void transpose(uint64_t tile[64]) {
  uint64_t mask = 0x00000000FFFFFFFFull;
  for (unsigned width = 32; width; width >>= 1, mask ^= mask << width)
    for (unsigned block = 0; block < 64; block += 2 * width)
      for (unsigned i = block; i < block + width; ++i) {
        const uint64_t swapped = (tile[i] >> width ^ tile[i + width]) & mask;
        tile[i] ^= swapped << width;
        tile[i + width] ^= swapped;
      }
}

// ------------------------------------------------------------------------------ counting

// Vertical counters: plane d holds bit d of the count of every sample. A carry waits on its plane
// until a second one comes, so that every full adder takes in two.
template <class V>
struct Counter {
  V plane[32], waiting[32];
  bool has[32];
  unsigned n = 0;

  void add(V x, unsigned d = 0) {
    for (;; ++d) {
      if (d == n) {
        plane[n] = x;
        has[n++] = false;
        return;
      }
      if (!has[d]) {
        waiting[d] = x;
        has[d] = true;
        return;
      }
      const V a = plane[d], b = waiting[d], both = a ^ b;
      plane[d] = both ^ x;
      has[d] = false;
      x = (a & b) | (both & x);
    }
  }

  void flush() {
    for (unsigned d = 0; d < n; ++d)
      if (has[d]) {
        const V carry = plane[d] & waiting[d];
        plane[d] ^= waiting[d];
        has[d] = false;
        add(carry, d + 1);
      }
  }
};

template <class V, size_t M>
void count_lines(const Output* outputs, size_t n, const uint64_t* words, uint32_t* counts) {
  const V* lines = reinterpret_cast<const V*>(words);
  for (size_t m = 0; m < M; ++m) {
    Counter<V> counter;
    for (size_t i = 0; i < n; ++i) {
      const V line = lines[size_t{outputs[i].slot} * M + m];
      counter.add(outputs[i].complement ? ~line : line);
    }
    counter.flush();
    uint32_t* target = counts + m * sizeof(V) * 8;
    std::memset(target, 0, sizeof(V) * 8 * sizeof(uint32_t));
    for (unsigned d = 0; d < counter.n; ++d) {
      uint64_t plane[sizeof(V) / 8];
      std::memcpy(plane, &counter.plane[d], sizeof(V));
      for (size_t w = 0; w < sizeof(V) / 8; ++w)
        for (unsigned half = 0; half < 2; ++half) {
          const uint32_t bits = static_cast<uint32_t>(plane[w] >> 32 * half);
          uint32_t* block = target + 64 * w + 32 * half;
          for (unsigned s = 0; s < 32; ++s) block[s] += (bits >> s & 1) << d;
        }
    }
  }
}

void count_group(const Output* outputs, size_t n, const uint64_t* lines, size_t words,
                 uint32_t* counts) {
  switch (words) {
    case 1:
      return count_lines<uint64_t, 1>(outputs, n, lines, counts);
    case 4:
      return count_lines<VectorOf<4>::type, 1>(outputs, n, lines, counts);
    case 8:
      return count_lines<VectorOf<8>::type, 1>(outputs, n, lines, counts);
    case 16:
      return count_lines<VectorOf<8>::type, 2>(outputs, n, lines, counts);
    default:
      return count_lines<VectorOf<8>::type, 4>(outputs, n, lines, counts);
  }
}

}  // namespace
}  // namespace lgnx

#define LGNX_KERNELS(NAME) {NAME, execute, row_masks, transpose, count_group}
