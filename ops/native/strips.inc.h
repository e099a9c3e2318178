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

// Channels of 1, 2, 4 ... 64 bytes that follow one another, whose bits share no word with another
// channel's: a mask holds several.
void pack_small(const uint8_t* x, const uint8_t* end, size_t bits, size_t n, uint64_t* word,
                size_t strip_words, unsigned shift) {
  const size_t each = 64 / bits;
  const uint64_t valid = bits < 64 ? (uint64_t{1} << bits) - 1 : ~uint64_t{0};
  for (size_t s = 0; s < n; s += each, x += 64) {
    const size_t together = n - s < each ? n - s : each;
    uint64_t mask = byte_mask(x, together * bits, end);
    for (size_t i = 0; i < together; ++i, word += strip_words) {
      *word |= (mask & valid) << shift;
      mask = bits < 64 ? mask >> bits : 0;
    }
  }
}

// Every other bit, from the first on.
inline uint64_t even_bits(uint64_t bits) {
  bits &= 0x5555555555555555;
  bits = (bits | bits >> 1) & 0x3333333333333333;
  bits = (bits | bits >> 2) & 0x0F0F0F0F0F0F0F0F;
  bits = (bits | bits >> 4) & 0x00FF00FF00FF00FF;
  bits = (bits | bits >> 8) & 0x0000FFFF0000FFFF;
  return (bits | bits >> 16) & 0x00000000FFFFFFFF;
}

// A row of bytes that are `step` apart.
inline void pack_row(const uint8_t* x, const uint8_t* end, uint64_t step, uint64_t n,
                     uint64_t* strip, uint64_t at) {
  const uint64_t together = step == 2 ? 32 : 64;
  for (uint64_t done = 0, each; done < n; done += each, at += each) {
    each = n - done < together ? n - done : together;
    uint64_t bits = 0;
    if (step == 1)
      bits = byte_mask(x + done, each, end);
    else if (step == 2)
      bits = even_bits(byte_mask(x + 2 * done, 2 * each - 1, end));
    else
      for (uint64_t b = 0; b < each; ++b) bits |= uint64_t{x[(done + b) * step] != 0} << b;
    put_bits(strip, at, each, bits);
  }
}

void pack_strips(const uint8_t* x, const uint8_t* end, uint64_t x_stride, const Box& box, size_t n,
                 uint64_t* strips, size_t strip_words, uint64_t at) {
  const uint64_t row = box.count[2];
  if (!row) return;
  at += box.bit;
  if (row == x_stride && box.byte_step[2] == 1 && row <= 64 && 64 % row == 0 && at % row == 0)
    return pack_small(x, end, row, n, strips + at / 64, strip_words, at % 64);
  for (size_t s = 0; s < n; ++s, x += x_stride, strips += strip_words)
    for (uint64_t i = 0; i < box.count[0]; ++i)
      for (uint64_t j = 0; j < box.count[1]; ++j)
        pack_row(x + box.byte + i * box.byte_step[0] + j * box.byte_step[1], end, box.byte_step[2],
                 row, strips, at + i * box.bit_step[0] + j * box.bit_step[1]);
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

// Bits that become the next bytes, as they are collected.
class ByteWriter {
 public:
  explicit ByteWriter(uint8_t* y) : y_(y) {}
  // n <= 64, and the other bits are 0.
  void add(uint64_t bits, unsigned n) {
    bits_ |= bits << held_;
    if (held_ + n < 64) {
      held_ += n;
      return;
    }
    expand_word(bits_, y_);
    y_ += 64;
    bits_ = held_ ? bits >> (64 - held_) : 0;
    held_ = held_ + n - 64;
  }
  void finish() {
    uint8_t bytes[64];
    expand_word(bits_, bytes);
    std::memcpy(y_, bytes, held_);
  }

 private:
  uint8_t* y_;
  uint64_t bits_ = 0;
  unsigned held_ = 0;
};

// The same Bits of every line, n lines.
template <unsigned Bits>
void unpack_small(const uint64_t* lines, size_t words, size_t n, uint64_t at, uint8_t* y) {
  constexpr size_t kEach = 64 / Bits;
  constexpr uint64_t kValid = (uint64_t{1} << Bits) - 1;
  const unsigned shift = at % 64;
  lines += at / 64;
  for (; n >= kEach; n -= kEach, y += 64) {
    uint64_t bits = 0;
#pragma GCC unroll 16
    for (size_t i = 0; i < kEach; ++i, lines += words)
      bits |= (*lines >> shift & kValid) << (i * Bits);
    expand_word(bits, y);
  }
  uint64_t bits = 0;
  for (size_t i = 0; i < n; ++i, lines += words) bits |= (*lines >> shift & kValid) << (i * Bits);
  uint8_t bytes[64];
  expand_word(bits, bytes);
  std::memcpy(y, bytes, n * Bits);
}

// Whole samples whose bytes follow one another.
void unpack_whole(const uint64_t* lines, size_t words, size_t n, uint64_t at, uint64_t bits,
                  uint8_t* y) {
  if (at % 64 == 0 && bits % 64 == 0) {
    for (size_t l = 0; l < n; ++l, lines += words)
      for (uint64_t w = 0; w < bits / 64; ++w, y += 64) expand_word(lines[at / 64 + w], y);
    return;
  }
  if (at % bits == 0) {
    if (bits == 4) return unpack_small<4>(lines, words, n, at, y);
    if (bits == 8) return unpack_small<8>(lines, words, n, at, y);
    if (bits == 16) return unpack_small<16>(lines, words, n, at, y);
    if (bits == 32) return unpack_small<32>(lines, words, n, at, y);
  }
  ByteWriter writer(y);
  for (size_t l = 0; l < n; ++l, lines += words)
    for (uint64_t done = 0, each; done < bits; done += each) {
      each = bits - done < 64 ? bits - done : 64;
      writer.add(take_bits(lines, at + done, each), static_cast<unsigned>(each));
    }
  writer.finish();
}

// n bits of a line as bytes that are `step` apart.
inline void unpack_row(const uint64_t* line, uint64_t at, uint64_t n, uint64_t step, uint8_t* y) {
  for (uint64_t each; n; n -= each, at += each, y += each * step) {
    each = n < 64 ? n : 64;
    uint8_t bytes[64];
    expand_word(take_bits(line, at, each), bytes);
    if (step == 1)
      std::memcpy(y, bytes, each);
    else
      for (uint64_t b = 0; b < each; ++b) y[b * step] = bytes[b];
  }
}

void unpack_strips(const uint64_t* lines, size_t words, size_t n, const Box& box, uint64_t from,
                   uint64_t to, uint64_t at, uint8_t* y, uint64_t y_stride) {
  const uint64_t step = box.byte_step[2];
  if (box.count[2] == y_stride && step == 1 && from <= box.bit && to >= box.bit + y_stride)
    return unpack_whole(lines, words, n, at + box.bit - from, y_stride, y);
  for (size_t l = 0; l < n; ++l, lines += words, y += y_stride)
    for (uint64_t i = 0; i < box.count[0]; ++i)
      for (uint64_t j = 0; j < box.count[1]; ++j) {
        const uint64_t bit = box.bit + i * box.bit_step[0] + j * box.bit_step[1];
        const uint64_t first = bit < from ? from : bit;
        const uint64_t last = bit + box.count[2] < to ? bit + box.count[2] : to;
        if (first < last)
          unpack_row(
              lines, at + first - from, last - first, step,
              y + box.byte + i * box.byte_step[0] + j * box.byte_step[1] + (first - bit) * step);
      }
}

}  // namespace
}  // namespace lgnx
