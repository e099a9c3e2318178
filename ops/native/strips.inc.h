// Strips of bits from bytes, shifted, and to bytes.
#pragma once
#include "bytes.inc.h"
#include "rows.inc.h"

namespace lgnx {
namespace {

// The first n bits from `at` on, n <= 64.
inline uint64_t take_bits(const uint64_t* words, uint64_t at, uint64_t n) {
  const uint64_t* word = words + at / 64;
  const unsigned shift = at % 64;
  uint64_t bits = *word >> shift;
  if (shift + n > 64) bits |= word[1] << (64 - shift);
  return n < 64 ? bits & ((uint64_t{1} << n) - 1) : bits;
}

// Adds n bits, whose others are 0, to zeros.
inline void put_bits(uint64_t* words, uint64_t at, uint64_t n, uint64_t bits) {
  uint64_t* word = words + at / 64;
  const unsigned shift = at % 64;
  *word |= bits << shift;
  if (shift + n > 64) word[1] |= bits >> (64 - shift);
}

// Whether the bytes from x on are not 0, n <= 64.
inline uint64_t byte_mask(const uint8_t* x, uint64_t n, const uint8_t* end) {
  const uint64_t valid = n < 64 ? (uint64_t{1} << n) - 1 : ~uint64_t{0};
  if (end - x >= 64)
    return Nonzero<uint8_t>::mask(reinterpret_cast<const char*>(x), nullptr) & valid;
  char copy[64] = {};
  std::memcpy(copy, x, n);
  return Nonzero<uint8_t>::mask(copy, nullptr) & valid;
}

void pack_strips(const uint8_t* x, const uint8_t* end, uint64_t x_stride, const Box& box, size_t n,
                 uint64_t* strips, size_t strip_words, uint64_t at) {
  const uint64_t step = box.byte_step[2];
  for (size_t s = 0; s < n; ++s, x += x_stride, strips += strip_words)
    for (uint64_t i = 0; i < box.count[0]; ++i)
      for (uint64_t j = 0; j < box.count[1]; ++j) {
        const uint8_t* from = x + box.byte + i * box.byte_step[0] + j * box.byte_step[1];
        uint64_t to = at + box.bit + i * box.bit_step[0] + j * box.bit_step[1];
        for (uint64_t done = 0, each; done < box.count[2]; done += each, to += each) {
          each = box.count[2] - done < 64 ? box.count[2] - done : 64;
          uint64_t bits;
          if (step == 1) {
            bits = byte_mask(from + done, each, end);
          } else {
            bits = 0;
            for (uint64_t b = 0; b < each; ++b) bits |= uint64_t{from[(done + b) * step] != 0} << b;
          }
          put_bits(strips, to, each, bits);
        }
      }
}

template <size_t Words>
void shift_words(const StripSource& source, const Tap* taps, size_t n, uint64_t* lines) {
  typedef typename VectorOf<(Words < kVectorWords ? Words : kVectorWords)>::type V;
  typedef V Unaligned __attribute__((aligned(8), may_alias));
  constexpr size_t kParts = Words * 8 / sizeof(V);
  for (size_t t = 0; t < n; ++t) {
    const Tap& tap = taps[t];
    const Reading& reading = source.readings[tap.reading];
    const int64_t bit = static_cast<int64_t>(source.at) + reading.offset;
    // Words in front of the strip are there too.
    const uint64_t* from = source.strips + size_t{tap.strip} * source.strip_words + (bit >> 6);
    const Unaligned* mask = reinterpret_cast<const Unaligned*>(source.masks + reading.mask);
    V* to = reinterpret_cast<V*>(lines + size_t{tap.slot} * Words);
    const unsigned shift = bit & 63;
    if (!shift) {
#pragma GCC unroll 16
      for (size_t p = 0; p < kParts; ++p)
        to[p] = reinterpret_cast<const Unaligned*>(from)[p] & mask[p];
      continue;
    }
#pragma GCC unroll 16
    for (size_t p = 0; p < kParts; ++p) {
      const V low = reinterpret_cast<const Unaligned*>(from)[p],
              high = reinterpret_cast<const Unaligned*>(from + 1)[p];
      to[p] = (low >> shift | high << (64 - shift)) & mask[p];
    }
  }
}

void shift_strips(const StripSource& source, const Tap* taps, size_t n, uint64_t* lines,
                  size_t words) {
  switch (words) {
    case 1:
      return shift_words<1>(source, taps, n, lines);
    case 4:
      return shift_words<4>(source, taps, n, lines);
    case 8:
      return shift_words<8>(source, taps, n, lines);
    default:
      return shift_words<16>(source, taps, n, lines);
  }
}

void unpack_strips(const uint64_t* lines, size_t words, size_t n, const Box& box, uint64_t from,
                   uint64_t to, uint64_t at, uint8_t* y, uint64_t y_stride) {
  const uint64_t step = box.byte_step[2];
  for (size_t l = 0; l < n; ++l, lines += words, y += y_stride)
    for (uint64_t i = 0; i < box.count[0]; ++i)
      for (uint64_t j = 0; j < box.count[1]; ++j) {
        uint64_t bit = box.bit + i * box.bit_step[0] + j * box.bit_step[1],
                 end = bit + box.count[2];
        uint8_t* target = y + box.byte + i * box.byte_step[0] + j * box.byte_step[1];
        if (bit < from) {
          target += (from - bit) * step;
          bit = from;
        }
        if (end > to) end = to;
        for (uint64_t each; bit < end; bit += each, target += each * step) {
          each = end - bit < 64 ? end - bit : 64;
          const uint64_t bits = take_bits(lines, at + bit - from, each);
          uint8_t bytes[64];
          if (step == 1 && each == 64) {
            expand_word(bits, target);
            continue;
          }
          expand_word(bits, bytes);
          if (step == 1)
            std::memcpy(target, bytes, each);
          else
            for (uint64_t b = 0; b < each; ++b) target[b * step] = bytes[b];
        }
      }
}

}  // namespace
}  // namespace lgnx
