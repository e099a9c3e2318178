"""The parts of the C that are alike for every network; `string.Template` fills in the rest."""

from __future__ import annotations

HEADER = """\
/*
 * $title
 *
 * Written by lgnx $version; do not edit.
$about */
#ifndef ${P}_H_
#define ${P}_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of a word, 32 or 64, and words of a line. All files of a program must agree on them. */
#ifndef ${P}_WORD
#define ${P}_WORD $word
#endif
#ifndef ${P}_LINE
#define ${P}_LINE $line
#endif

#define ${P}_INPUTS $features /* $inputs_are */
#define ${P}_OUTPUTS $outputs /* $outputs_are */
#define ${P}_BLOCK (${P}_WORD * ${P}_LINE) /* samples that are evaluated at once */

/* Words of memory that a call needs. */
#define ${P}_SCRATCH ($lines * ${P}_LINE + (${P}_LINE > 1 ? 512 / ${P}_WORD : 0))

#if ${P}_WORD == 64
typedef uint64_t ${p}_word;
#else
typedef uint32_t ${p}_word;
#endif
typedef $input_type ${p}_input; /* $input_is */
typedef $score_type ${p}_score; /* $score_is */

/* Evaluates n samples x[n][${P}_INPUTS] to y[n][${P}_OUTPUTS]. scratch is any memory of
 * ${P}_SCRATCH words that nobody else uses meanwhile; what it holds before does not matter. */
void ${p}_run(const ${p}_input *x, size_t n, ${p}_score *y, ${p}_word *scratch);

/* Evaluates one sample. */
void ${p}_predict(const ${p}_input *x, ${p}_score *y, ${p}_word *scratch);
$more
#ifdef __cplusplus
}
#endif

#endif
"""

CLASS = """
/* The class of a sample: index of the largest of its scores, the lowest of equal ones. */
size_t ${p}_class(const ${p}_score *y);
"""

NAMES = """
/* Names of the classes. */
extern const char *const ${p}_names[${P}_OUTPUTS];
"""

START = """\
/* Part of $header, which says what it is. Written by lgnx $version; do not edit. */
#include "$header"

#include <string.h>

#if ${P}_WORD != 32 && ${P}_WORD != 64
#error "${P}_WORD must be 32 or 64"
#endif
#if ${P}_LINE < 1
#error "${P}_LINE must be at least 1"
#endif
$guards
/* A lane is what one instruction holds: a word, or a vector of words where there are any. */
#if defined(__GNUC__) && defined(__AVX2__) && ${P}_BLOCK % 256 == 0 && !defined(${P}_PLAIN)
#define ${P}_LANE 32
typedef ${p}_word ${p}_lane __attribute__((__vector_size__(32), __may_alias__));
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON)) && \\
    ${P}_BLOCK % 128 == 0 && !defined(${P}_PLAIN)
#define ${P}_LANE 16
typedef ${p}_word ${p}_lane __attribute__((__vector_size__(16), __may_alias__));
#else
#define ${P}_LANE (${P}_WORD / 8)
typedef ${p}_word ${p}_lane;
#endif

#define ${P}_BYTES (${P}_WORD / 8)                      /* of a word */
#define ${P}_LANES (${P}_LINE * ${P}_BYTES / ${P}_LANE) /* of a line */
#define ${P}_S(line) s[(line) * ${P}_LANES]

"""

FAST_MATH = """
#ifdef __FAST_MATH__
#error "floating-point numbers must be those of IEEE 754: compile without -ffast-math"
#endif
"""

X87 = """
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2
#error "scores must be rounded to their own type: compile with -msse2 -mfpmath=sse"
#endif
"""

SIZE = """
/* $name must have $bytes bytes. */
typedef char ${p}_size_of_$name[sizeof($name) == $bytes ? 1 : -1];
"""

HALF = """\
/* float16 as a number that is ordered alike; NaN is below all others. */
static int16_t ${p}_key(uint16_t half) {
  const uint16_t size = half & 0x7FFF;
  if (size > 0x7C00) return INT16_MIN;
  return (int16_t)(half & 0x8000 ? -(int)size : (int)size);
}

"""

PACK_DENSE = """\
#if ${P}_LINE > 1
#define ${P}_TILE $tile /* inputs that are packed together */
#else
#define ${P}_TILE $small
#endif
#define ${P}_BIT(i) ($condition ? 1 << i : 0)

/* Input to bits: byte q of a line holds samples 8 q to 8 q + 7, the first in its lowest bit. */
static void ${p}_pack(const ${p}_input *x, size_t n, size_t words, ${p}_lane *s) {
  uint8_t tile[${P}_BYTES][${P}_TILE], column[${P}_TILE * ${P}_BYTES], *lines = (uint8_t *)s;
  size_t word, first, plane, byte, i, j;
  for (first = 0;;) {
    for (word = 0; word < words; ++word)
      for (plane = 0; plane < $planes; ++plane) {
        for (byte = 0; byte < ${P}_BYTES; ++byte) {
          const size_t sample = (word * ${P}_BYTES + byte) * 8;
          const ${p}_input *row[8];
          uint8_t *to = tile[byte];
          if (sample >= n) {
            memset(to, 0, (${P}_BYTES - byte) * ${P}_TILE);
            break;
          }
          for (i = 0; i < 8; ++i) /* the last sample stands in for those that are missing */
            row[i] = x + (sample + i < n ? sample + i : n - 1) * ${P}_INPUTS + first;
          {
            const ${p}_input *row0 = row[0], *row1 = row[1], *row2 = row[2], *row3 = row[3];
            const ${p}_input *row4 = row[4], *row5 = row[5], *row6 = row[6], *row7 = row[7];
            for (j = 0; j < ${P}_TILE; ++j)
              to[j] = (uint8_t)(${P}_BIT(0) | ${P}_BIT(1) | ${P}_BIT(2) | ${P}_BIT(3) |
                                ${P}_BIT(4) | ${P}_BIT(5) | ${P}_BIT(6) | ${P}_BIT(7));
          }
        }
        for (j = 0; j < ${P}_TILE; ++j) {
          uint8_t *to = column + j * ${P}_BYTES;
          to[0] = tile[0][j];
          to[1] = tile[1][j];
          to[2] = tile[2][j];
          to[3] = tile[3][j];
#if ${P}_WORD == 64
          to[4] = tile[4][j];
          to[5] = tile[5][j];
          to[6] = tile[6][j];
          to[7] = tile[7][j];
#endif
        }
        for (j = 0; j < ${P}_TILE; ++j)
          memcpy(lines + ((plane * ${P}_INPUTS + first + j) * ${P}_LINE + word) * ${P}_BYTES,
                 column + j * ${P}_BYTES, ${P}_BYTES);
      }
    if (first + ${P}_TILE == ${P}_INPUTS) break;
    first += ${P}_TILE;
    if (first + ${P}_TILE > ${P}_INPUTS) first = ${P}_INPUTS - ${P}_TILE;
  }
}

"""

PACK_SPARSE = """\
/* Input to bits: byte q of a line holds samples 8 q to 8 q + 7, the first in its lowest bit. */
static void ${p}_pack(const ${p}_input *x, size_t n, size_t words, ${p}_lane *s) {
  uint8_t *lines = (uint8_t *)s;
  size_t byte, i, j;
  for (j = 0; j < $used; ++j)
    for (byte = 0; byte < words * ${P}_BYTES; ++byte) {
      unsigned bits = 0;
      for (i = 0; i < 8 && byte * 8 + i < n; ++i) {
        const ${p}_input *row = x + (byte * 8 + i) * ${P}_INPUTS + ${p}_read[j];
        bits |= $condition ? 1u << i : 0;
      }
      lines[j * ${P}_LINE * ${P}_BYTES + byte] = (uint8_t)bits;
    }
}

"""

PACK_NOTHING = """\
static void ${p}_pack(const ${p}_input *x, size_t n, size_t words, ${p}_lane *s) {
  (void)x, (void)n, (void)words, (void)s; /* no output depends on the input */
}

"""

RUN_STATEMENTS = """
/* Runs n functions of gates from the first on, a lane at a time. */
static void ${p}_evaluate(size_t first, size_t n, ${p}_lane *s, size_t lanes) {
  size_t k;
  for (; n; --n, ++first)
    for (k = 0; k < lanes; ++k) ${p}_gates[first](s + k);
}

"""

RUN_TABLES = """
#define ${P}_LOOP(value, count)               \\
  for (; gates; --gates, g += 3) {            \\
    const ${p}_lane *a = s + g[0] * ${P}_LANES; \\
    const ${p}_lane *b = s + g[1] * ${P}_LANES; \\
    ${p}_lane *to = s + g[2] * ${P}_LANES;      \\
    for (k = 0; k < count; ++k) to[k] = value; \\
  }                                           \\
  break
#define ${P}_SWITCH(count)                        \\
  switch (${p}_runs[first].operation) {           \\
    case 0: ${P}_LOOP(a[k] & b[k], count);        \\
    case 1: ${P}_LOOP(a[k] & ~b[k], count);       \\
    case 2: ${P}_LOOP(a[k] | b[k], count);        \\
    case 3: ${P}_LOOP(a[k] ^ b[k], count);        \\
    case 4: ${P}_LOOP(~(a[k] & b[k]), count);     \\
    case 5: ${P}_LOOP(~a[k] | b[k], count);       \\
    case 6: ${P}_LOOP(~(a[k] | b[k]), count);     \\
    default: ${P}_LOOP(~(a[k] ^ b[k]), count);    \\
  }

/* Runs n runs of gates from the first on, whose table starts at g; gives what follows there. */
static const ${p}_slot *${p}_evaluate(size_t first, size_t n, const ${p}_slot *g, ${p}_lane *s,
                                      size_t lanes) {
  for (; n; --n, ++first) {
    size_t gates = ${p}_runs[first].gates, k;
    if (lanes == ${P}_LANES) {
      ${P}_SWITCH(${P}_LANES)
    } else {
      ${P}_SWITCH(lanes)
    }
  }
  return g;
}

"""

COUNT = """\
#define ${P}_PLANES $planes /* bits of a count */

#define ${P}_ADD(high, low, a, b, c)          \\
  do {                                        \\
    const ${p}_lane both = (a) & (b), one = (a) ^ (b), third = (c); \\
    high = both | (one & third);              \\
    low = one ^ third;                        \\
  } while (0)

/* Adds n lines from s on to the counts: carry-save adders, eight lines at a time. */
static void ${p}_count(const ${p}_lane *s, size_t n, size_t lanes, ${p}_lane *planes) {
  size_t k, i, p;
  for (k = 0; k < lanes; ++k, ++s, ++planes) {
    ${p}_lane sum[${P}_PLANES], carry, next;
    for (p = 0; p < ${P}_PLANES; ++p) sum[p] = planes[p * ${P}_LANES];
    for (i = 0; i + 8 <= n; i += 8) {
      ${p}_lane two0, two1, two2, two3, four0, four1;
      ${P}_ADD(two0, sum[0], sum[0], ${P}_S(i), ${P}_S(i + 1));
      ${P}_ADD(two1, sum[0], sum[0], ${P}_S(i + 2), ${P}_S(i + 3));
      ${P}_ADD(four0, sum[1], sum[1], two0, two1);
      ${P}_ADD(two2, sum[0], sum[0], ${P}_S(i + 4), ${P}_S(i + 5));
      ${P}_ADD(two3, sum[0], sum[0], ${P}_S(i + 6), ${P}_S(i + 7));
      ${P}_ADD(four1, sum[1], sum[1], two2, two3);
      ${P}_ADD(carry, sum[2], sum[2], four0, four1);
      for (p = 3; p < ${P}_PLANES; ++p) {
        next = sum[p] & carry;
        sum[p] ^= carry;
        carry = next;
      }
    }
    for (; i < n; ++i) {
      carry = ${P}_S(i);
      for (p = 0; p < ${P}_PLANES; ++p) {
        next = sum[p] & carry;
        sum[p] ^= carry;
        carry = next;
      }
    }
    for (p = 0; p < ${P}_PLANES; ++p) planes[p * ${P}_LANES] = sum[p];
  }
}

static ${p}_score ${p}_scale(uint32_t count) {
$scale}

/* Turns the counts of a group of n samples into scores. */
static void ${p}_scores(const ${p}_lane *planes, uint32_t ones, size_t n, size_t lanes,
                        ${p}_score *y) {
  const ${p}_word low = (${p}_word)-1 / 255; /* the lowest bit of each byte */
  ${p}_lane parts[8][(${P}_PLANES + 7) / 8][${P}_LANES];
  size_t i, k, p, sample;
  for (i = 0; i < 8 && i < n; ++i)
    for (k = 0; k < lanes; ++k)
      for (p = 0; p < ${P}_PLANES; ++p) {
        ${p}_lane bits = (planes[p * ${P}_LANES + k] >> (int)i & low) << (int)(p % 8);
        if (p % 8) bits |= parts[i][p / 8][k];
        parts[i][p / 8][k] = bits;
      }
  for (sample = 0; sample < n; ++sample) {
    uint32_t count = ones;
    for (p = 0; p < ${P}_PLANES; p += 8)
      count += (uint32_t)((const uint8_t *)parts[sample % 8][p / 8])[sample / 8] << p;
    y[sample * ${P}_OUTPUTS] = ${p}_scale(count);
  }
}

"""

BITS = """\
/* Gives n lines from s on as columns of y. */
static void ${p}_bits(const ${p}_lane *s, size_t lines, size_t n, uint8_t *y) {
  const uint8_t *bytes = (const uint8_t *)s;
  uint8_t column[$section];
  size_t sample, i, j;
  for (sample = 0; sample < n; sample += 8) {
    for (j = 0; j < lines; ++j) column[j] = bytes[j * (${P}_BLOCK / 8) + sample / 8];
    for (i = 0; i < 8 && sample + i < n; ++i) {
      uint8_t *row = y + (sample + i) * ${P}_OUTPUTS;
      for (j = 0; j < lines; ++j) row[j] = column[j] >> i & 1;
    }
  }
}

"""

SECTIONS = """\
/* Outputs that are evaluated together: functions or runs of gates, lines, end of a group. */
static const struct { uint32_t gates; uint16_t lines, last; } ${p}_sections[] = {
$sections};
$ones
/* Evaluates n samples, at most ${P}_BLOCK. */
static void ${p}_block(const ${p}_input *x, size_t n, ${p}_score *y, ${p}_lane *s) {
  const size_t lanes = (n - 1) / (${P}_LANE * 8) + 1;
  size_t section, done = 0;
$locals  ${p}_pack(x, n, lanes * ${P}_LANE / ${P}_BYTES, s);
$before  for (section = 0; section < sizeof(${p}_sections) / sizeof(*${p}_sections); ++section) {
    const size_t lines = ${p}_sections[section].lines, gates = ${p}_sections[section].gates;
    ${p}_lane *out = s + ${P}_OUT * ${P}_LANES;
    $evaluate
    done += gates;
$finish  }
}

"""

FINISH_COUNTS = """\
    ${p}_count(out, lines, lanes, planes);
    if (!${p}_sections[section].last) continue;
    ${p}_scores(planes, ${p}_ones[group], n, lanes, y + group);
    memset(planes, 0, sizeof(planes));
    ++group;
"""

FINISH_BITS = """\
    ${p}_bits(out, lines, n, y);
    y += lines;
"""

END = """\
void ${p}_run(const ${p}_input *x, size_t n, ${p}_score *y, ${p}_word *scratch) {
#if ${P}_LINE > 1
  ${p}_lane *s = (${p}_lane *)(((uintptr_t)scratch + 63) / 64 * 64);
#else
  ${p}_lane *s = scratch;
#endif
  while (n) {
    const size_t some = n < ${P}_BLOCK ? n : ${P}_BLOCK;
    ${p}_block(x, some, y, s);
    x += some * ${P}_INPUTS;
    y += some * ${P}_OUTPUTS;
    n -= some;
  }
}

void ${p}_predict(const ${p}_input *x, ${p}_score *y, ${p}_word *scratch) {
  ${p}_run(x, 1, y, scratch);
}
"""

CLASS_BODY = """
size_t ${p}_class(const ${p}_score *y) {
  size_t best = 0, i;
  for (i = 1; i < ${P}_OUTPUTS; ++i)
    if (y[i] > y[best]) best = i;
  return best;
}
"""
