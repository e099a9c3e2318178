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

}  // namespace lgnx::reference
