// Vector types of the compiler, lowered to what the flags of the including file allow.
//
// Everything in the *.inc.h files has internal linkage: an inline function shared between
// differently compiled files could be linked in its most demanding version.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace lgnx {
namespace {

#if defined(__AVX512F__)
constexpr size_t kVectorWords = 8;
#elif defined(__AVX2__)
constexpr size_t kVectorWords = 4;
#else
constexpr size_t kVectorWords = 2;
#endif

// A vector of N words, aligned to its size.
template <size_t N>
struct VectorOf {
  typedef uint64_t type __attribute__((vector_size(8 * N), may_alias));
};
template <>
struct VectorOf<1> {
  typedef uint64_t type;
};

// The widest vector for so many words.
template <size_t Words>
using Vector = typename VectorOf<(Words < kVectorWords ? Words : kVectorWords)>::type;

}  // namespace
}  // namespace lgnx
