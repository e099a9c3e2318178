// OR of bytes along one axis.
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

// Elements of neighbouring pairs, a few bytes each.
template <class T>
void or_pairs(const uint8_t* x, size_t n, uint8_t* y) {
  typedef T Element __attribute__((aligned(1), may_alias));
  const Element* from = reinterpret_cast<const Element*>(x);
  Element* to = reinterpret_cast<Element*>(y);
  for (size_t i = 0; i < n; ++i) to[i] = from[2 * i] | from[2 * i + 1];
}

// Rows of whole vectors.
void or_row_pairs(const uint8_t* x, size_t n, size_t bytes, uint8_t* y) {
  typedef VectorOf<4>::type Element __attribute__((aligned(1), may_alias));
  for (size_t i = 0; i < n; ++i, x += bytes)
    for (const uint8_t* end = x + bytes; x < end; x += 32, y += 32)
      *reinterpret_cast<Element*>(y) =
          *reinterpret_cast<const Element*>(x) | *reinterpret_cast<const Element*>(x + bytes);
}

inline void or_bytes(const uint8_t* x, size_t n, uint8_t* y) {
  for (size_t i = 0; i < n; ++i) y[i] |= x[i];
}

inline uint8_t or_all(const uint8_t* x, size_t n) {
  uint8_t any = 0;
  for (size_t i = 0; i < n; ++i) any |= x[i];
  return any;
}

// Bytes that are Step apart, or `step` where that is 0.
template <size_t Step>
inline void or_steps(const uint8_t* x, size_t step, size_t n, uint8_t* y) {
  for (size_t i = 0; i < n; ++i) y[i] |= x[i * (Step ? Step : step)];
}

// One entry of the window after another, where outputs are more than these: of each, those outputs
// that read no padding.
void or_row(const uint8_t* x, const PoolAxis& axis, uint8_t* y) {
  const size_t stride = axis.stride;
  for (size_t w = 0; w < axis.kernel; ++w) {
    const size_t first = w < axis.begin ? (axis.begin - w + stride - 1) / stride : 0;
    const size_t room = axis.size + axis.begin + stride - 1;
    const size_t end = room < w ? 0 : (room - w) / stride;
    const size_t last = end < axis.extent ? end : axis.extent;
    if (first >= last) continue;
    const uint8_t* from = x + (first * stride + w - axis.begin);
    if (stride == 1)
      or_steps<1>(from, 1, last - first, y + first);
    else if (stride == 2)
      or_steps<2>(from, 2, last - first, y + first);
    else
      or_steps<0>(from, stride, last - first, y + first);
  }
}

// One output after another.
void or_outputs(const uint8_t* x, const PoolAxis& axis, size_t inner, uint8_t* y) {
  for (size_t e = 0; e < axis.extent; ++e, y += inner) {
    const size_t start = e * axis.stride;  // in the padded input
    const size_t first = start < axis.begin ? 0 : start - axis.begin;
    const size_t end = start + axis.kernel < axis.begin ? 0 : start + axis.kernel - axis.begin;
    const size_t last = end < axis.size ? end : axis.size;
    if (inner == 1 && first < last) *y = or_all(x + first, last - first);
    if (inner > 1)
      for (size_t i = first; i < last; ++i) or_bytes(x + i * inner, inner, y);
  }
}

void or_axis(const uint8_t* x, size_t outer, const PoolAxis& axis, size_t inner, uint8_t* y) {
  if (axis.kernel == 2 && axis.stride == 2 && axis.begin == 0 && axis.size == 2 * axis.extent) {
    const size_t n = outer * axis.extent;
    if (inner == 1) return or_pairs<uint8_t>(x, n, y);
    if (inner == 2) return or_pairs<uint16_t>(x, n, y);
    if (inner == 4) return or_pairs<uint32_t>(x, n, y);
    if (inner == 8) return or_pairs<uint64_t>(x, n, y);
    if (inner == 16) return or_pairs<VectorOf<2>::type>(x, n, y);
    if (inner % 32 == 0) return or_row_pairs(x, n, inner, y);
  }
  std::memset(y, 0, outer * axis.extent * inner);
  for (size_t o = 0; o < outer; ++o, x += axis.size * inner, y += axis.extent * inner)
    if (inner == 1 && axis.kernel <= axis.extent)
      or_row(x, axis, y);
    else
      or_outputs(x, axis, inner, y);
}

void ones(uint8_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = y[i] != 0;
}

}  // namespace
}  // namespace lgnx
