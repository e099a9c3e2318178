// OR of bytes.
#pragma once
#include "vectors.inc.h"

namespace lgnx {
namespace {

void or_bytes(const uint8_t* x, size_t n, uint8_t* y) {
  for (size_t i = 0; i < n; ++i) y[i] |= x[i];
}

void or_windows(const uint8_t* x, size_t kernel, size_t stride, uint8_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    uint8_t any = 0;
    for (size_t w = 0; w < kernel; ++w) any |= x[i * stride + w];
    y[i] = any != 0;
  }
}

}  // namespace
}  // namespace lgnx
