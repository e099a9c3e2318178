// What the engine computes, said once more in the slowest and plainest way. Shares no code with it.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "types.h"

namespace lgnx::reference {

// The outputs of a valid program for one sample, gate by gate.
inline std::vector<uint8_t> outputs(const std::vector<uint32_t>& words, const uint8_t* bits) {
  const uint32_t n_inputs = words[2], n_runs = words[4], n_operands = words[5];
  std::vector<uint8_t> wire(1, 0);
  for (uint32_t i = 0; i < n_inputs; ++i) wire.push_back(bits[i] != 0);
  const uint32_t* operand = words.data() + 8 + 4 * n_runs;
  for (uint32_t r = 0; r < n_runs; ++r) {
    const uint32_t* run = words.data() + 8 + 4 * r;
    const uint64_t table = run[2] | uint64_t{run[3]} << 32;
    for (uint32_t g = 0; g < run[1]; ++g) {
      uint32_t address = 0;
      for (uint32_t i = 0; i < run[0]; ++i) address |= uint32_t{wire[*operand++]} << i;
      wire.push_back(table >> address & 1);
    }
  }
  std::vector<uint8_t> result;
  for (size_t i = size_t{8} + 4 * n_runs + n_operands; i < words.size(); ++i)
    result.push_back(wire[words[i] >> 1] ^ (words[i] & 1));
  return result;
}

// An XOR-AND graph as in lgnx.h.
struct Graph {
  uint32_t n_inputs = 0;
  std::vector<uint8_t> kinds;
  std::vector<uint32_t> fanins, outputs;

  // The outputs for 64 samples, one in each bit.
  std::vector<uint64_t> evaluate(const std::vector<uint64_t>& inputs) const {
    std::vector<uint64_t> value(1, 0);
    value.insert(value.end(), inputs.begin(), inputs.end());
    const auto read = [&](uint32_t literal) {
      return literal & 1 ? ~value[literal >> 1] : value[literal >> 1];
    };
    for (size_t i = 0; i < kinds.size(); ++i) {
      const uint64_t a = read(fanins[2 * i]), b = read(fanins[2 * i + 1]);
      value.push_back(kinds[i] ? a ^ b : a & b);
    }
    std::vector<uint64_t> result;
    for (uint32_t literal : outputs) result.push_back(read(literal));
    return result;
  }
};

// The value of an IEEE half.
inline double half(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

template <class T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// A number of any type; long double holds each exactly.
inline long double number(Type type, const char* at) {
  switch (type) {
    case Type::kFloat:
      return load<float>(at);
    case Type::kDouble:
      return load<double>(at);
    case Type::kFloat16:
      return half(load<uint16_t>(at));
    case Type::kInt8:
      return load<int8_t>(at);
    case Type::kInt16:
      return load<int16_t>(at);
    case Type::kUint16:
      return load<uint16_t>(at);
    case Type::kInt32:
      return load<int32_t>(at);
    case Type::kUint32:
      return load<uint32_t>(at);
    case Type::kInt64:
      return load<int64_t>(at);
    case Type::kUint64:
      return load<uint64_t>(at);
    default:
      return load<uint8_t>(at);
  }
}

// The type that thresholds have for rows of a type.
inline Type threshold_type(Type type) { return type == Type::kFloat16 ? Type::kFloat : type; }

// The bit of a number; without a threshold whether it is not 0.
inline bool row_bit(Type type, const char* x, const char* threshold, bool strict) {
  const long double value = number(type, x);
  if (!threshold) return value != 0;
  const long double limit = number(threshold_type(type), threshold);
  return strict ? value > limit : value >= limit;
}

// Attributes of windows, d entries each and 2 * d of pads.
struct Windows {
  std::vector<int64_t> kernel_shape, strides, pads, dilations, output_padding;
  bool transposed = false;

  size_t axes() const { return kernel_shape.size(); }
  int64_t reach(size_t a) const { return dilations[a] * (kernel_shape[a] - 1); }
  int64_t extent(int64_t size, size_t a) const {
    const int64_t pads_of_axis = pads[a] + pads[axes() + a];
    if (transposed)
      return (size - 1) * strides[a] + reach(a) + 1 - pads_of_axis + output_padding[a];
    const int64_t room = size + pads_of_axis - reach(a) - 1;
    return room < 0 ? 0 : room / strides[a] + 1;
  }
  // Where along an axis of x entry w of the window at output e lies; -1 where it is not in x.
  int64_t at(int64_t size, size_t a, int64_t e, int64_t w) const {
    int64_t p = e * strides[a] - pads[a] + w * dilations[a];
    if (transposed) {
      p = e + w * dilations[a] - (reach(a) - pads[a]);
      if (p % strides[a] != 0) return -1;
      p /= strides[a];
    }
    return p >= 0 && p < size ? p : -1;
  }
};

// Counts through the indices of a box, the last axis fastest; false at the end.
inline bool next(std::vector<int64_t>& at, const std::vector<int64_t>& extents) {
  for (size_t a = extents.size(); a-- > 0; at[a] = 0)
    if (++at[a] < extents[a]) return true;
  return false;
}

// The bit of x, [channels][sizes], that an entry of the window reads.
inline bool window_bit(const Windows& windows, const uint8_t* x, int64_t channel,
                       const std::vector<int64_t>& sizes, const std::vector<int64_t>& output,
                       const std::vector<int64_t>& entry) {
  int64_t index = channel;
  for (size_t a = 0; a < sizes.size(); ++a) {
    const int64_t p = windows.at(sizes[a], a, output[a], entry[a]);
    if (p < 0) return false;
    index = index * sizes[a] + p;
  }
  return x[index] != 0;
}

// The root of a tree over its leaves, level by level.
inline bool root(std::vector<uint8_t> bits, const uint8_t* tables, int64_t k, int64_t depth) {
  const int64_t table_bytes = k < 3 ? 1 : (int64_t{1} << k) / 8;
  for (int64_t level = 0; level < depth; ++level) {
    std::vector<uint8_t> next_bits;
    for (size_t j = 0; j < bits.size(); j += static_cast<size_t>(k), tables += table_bytes) {
      uint32_t address = 0;
      for (int64_t i = 0; i < k; ++i) address |= uint32_t{bits[j + static_cast<size_t>(i)]} << i;
      next_bits.push_back(tables[address / 8] >> address % 8 & 1);
    }
    bits.swap(next_bits);
  }
  return bits[0];
}

inline std::vector<int64_t> extents(const Windows& windows, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> result;
  for (size_t a = 0; a < sizes.size(); ++a) result.push_back(windows.extent(sizes[a], a));
  return result;
}

inline int64_t product(const std::vector<int64_t>& values) {
  int64_t n = 1;
  for (int64_t value : values) n *= value;
  return n;
}

// x is [batch][channels][sizes]; leaf l of tree t is bit indices[t * leaves + l] of the window.
inline std::vector<uint8_t> convolution(const Windows& windows, const std::vector<uint8_t>& x,
                                        int64_t batch, int64_t channels,
                                        const std::vector<int64_t>& sizes,
                                        const std::vector<uint32_t>& indices,
                                        const std::vector<uint8_t>& tables, int64_t n_trees,
                                        int64_t k, int64_t depth) {
  const std::vector<int64_t> to = extents(windows, sizes);
  const int64_t volume = product(windows.kernel_shape);
  const size_t leaves = indices.size() / static_cast<size_t>(n_trees);
  const size_t table_bytes = tables.size() / static_cast<size_t>(n_trees);
  std::vector<uint8_t> y;
  for (int64_t b = 0; b < batch; ++b)
    for (size_t t = 0; t < static_cast<size_t>(n_trees); ++t) {
      std::vector<int64_t> e(sizes.size(), 0);
      do {
        std::vector<uint8_t> bits;
        for (size_t l = 0; l < leaves; ++l) {
          int64_t rest = indices[t * leaves + l] % volume;
          std::vector<int64_t> entry(sizes.size());
          for (size_t a = sizes.size(); a-- > 0; rest /= windows.kernel_shape[a])
            entry[a] = rest % windows.kernel_shape[a];
          const int64_t channel = b * channels + indices[t * leaves + l] / volume;
          bits.push_back(window_bit(windows, x.data(), channel, sizes, e, entry));
        }
        y.push_back(root(bits, tables.data() + t * table_bytes, k, depth));
      } while (next(e, to));
    }
  return y;
}

// x is [n][sizes].
inline std::vector<uint8_t> pool(const Windows& windows, const std::vector<uint8_t>& x, int64_t n,
                                 const std::vector<int64_t>& sizes) {
  const std::vector<int64_t> to = extents(windows, sizes);
  std::vector<uint8_t> y;
  for (int64_t c = 0; c < n; ++c) {
    std::vector<int64_t> e(sizes.size(), 0);
    do {
      std::vector<int64_t> entry(sizes.size(), 0);
      bool any = false;
      do any = any || window_bit(windows, x.data(), c, sizes, e, entry);
      while (next(entry, windows.kernel_shape));
      y.push_back(any);
    } while (next(e, to));
  }
  return y;
}

}  // namespace lgnx::reference
