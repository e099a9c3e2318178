#include "netlist.h"

#include <algorithm>
#include <string>
#include <utility>

#include "error.h"

namespace lgnx {
namespace {

constexpr uint32_t kFalse = 0, kTrue = 1;

// Grows a graph node by node; equal nodes are found by hashing.
class Builder {
 public:
  Builder(uint32_t n_inputs, uint64_t n_nodes) : first_(1 + n_inputs) {
    kinds_.reserve(n_nodes);
    fanins_.reserve(2 * n_nodes);
    size_t size = 64;
    while (size < 2 * n_nodes) size *= 2;
    hash_.assign(size, 0);
  }

  uint32_t make(uint8_t kind, uint32_t a, uint32_t b) {
    return kind == kXor ? make_xor(a, b) : make_and(a, b);
  }

  // Drops nodes that no output needs, and renumbers the rest.
  Netlist finish(uint32_t n_inputs, std::vector<uint32_t> outputs) const {
    const size_t n = kinds_.size();
    std::vector<uint8_t> live(n, 0);
    for (uint32_t literal : outputs)
      if (is_node(literal)) live[node(literal)] = 1;
    for (size_t i = n; i-- > 0;)
      if (live[i])
        for (int s = 0; s < 2; ++s)
          if (is_node(fanins_[2 * i + s])) live[node(fanins_[2 * i + s])] = 1;
    std::vector<uint32_t> variable(n, 0);
    Netlist result;
    result.n_inputs = n_inputs;
    const auto map = [&](uint32_t literal) {
      return is_node(literal) ? 2 * variable[node(literal)] + (literal & 1) : literal;
    };
    for (size_t i = 0; i < n; ++i)
      if (live[i]) {
        variable[i] = first_ + static_cast<uint32_t>(result.kinds.size());
        result.kinds.push_back(kinds_[i]);
        result.fanins.push_back(map(fanins_[2 * i]));
        result.fanins.push_back(map(fanins_[2 * i + 1]));
      }
    for (uint32_t& literal : outputs) literal = map(literal);
    result.outputs = std::move(outputs);
    return result;
  }

 private:
  bool is_node(uint32_t literal) const { return literal >> 1 >= first_; }
  uint32_t node(uint32_t literal) const { return (literal >> 1) - first_; }

  bool is_kind(uint32_t literal, uint8_t kind) const {
    return is_node(literal) && kinds_[node(literal)] == kind;
  }

  uint32_t make_and(uint32_t a, uint32_t b) {
    // A rule that replaces an operand starts over; every round moves towards the inputs.
    for (;;) {
      if (a > b) std::swap(a, b);
      if (a == kFalse || a == (b ^ 1)) return kFalse;
      if (a == kTrue || a == b) return b;
      uint32_t replaced = 0;
      bool again = false;
      for (int side = 0; side < 2 && !again; ++side) {
        const uint32_t x = side ? a : b, y = side ? b : a;  // x is looked into
        if (!is_kind(x, kAnd)) continue;
        const uint32_t p = fanins_[2 * node(x)], q = fanins_[2 * node(x) + 1];
        if (!(x & 1)) {
          if (p == y || q == y) return x;                   // (p q) p = p q
          if (p == (y ^ 1) || q == (y ^ 1)) return kFalse;  // (p q) p' = 0
        } else {
          if (p == (y ^ 1) || q == (y ^ 1)) return y;  // (p q)' p' = p'
          if (p == y)
            replaced = q ^ 1, again = true;  // (p q)' p = p q'
          else if (q == y)
            replaced = p ^ 1, again = true;
        }
        if (again) {
          a = y;
          b = replaced;
        }
      }
      if (again) continue;
      if (is_kind(a, kAnd) && is_kind(b, kAnd) && !(a & 1) && !(b & 1)) {
        const uint32_t p = fanins_[2 * node(a)], q = fanins_[2 * node(a) + 1];
        const uint32_t r = fanins_[2 * node(b)], s = fanins_[2 * node(b) + 1];
        if (p == (r ^ 1) || p == (s ^ 1) || q == (r ^ 1) || q == (s ^ 1)) return kFalse;
      }
      return 2 * insert(kAnd, a, b);
    }
  }

  uint32_t make_xor(uint32_t a, uint32_t b) {
    const uint32_t complement = (a ^ b) & 1;
    a &= ~1u;
    b &= ~1u;
    if (a > b) std::swap(a, b);
    if (a == b) return kFalse ^ complement;
    if (a == kFalse) return b ^ complement;
    for (int side = 0; side < 2; ++side) {
      const uint32_t x = side ? a : b, y = side ? b : a;
      if (!is_kind(x, kXor)) continue;
      const uint32_t p = fanins_[2 * node(x)], q = fanins_[2 * node(x) + 1];
      if (p == y) return q ^ complement;  // (p + q) + p = q
      if (q == y) return p ^ complement;
    }
    return (2 * insert(kXor, a, b)) ^ complement;
  }

  uint32_t insert(uint8_t kind, uint32_t a, uint32_t b) {
    if (2 * (kinds_.size() + 1) > hash_.size()) grow();
    const size_t at = find(kind, a, b);
    if (hash_[at]) return first_ + hash_[at] - 1;
    kinds_.push_back(kind);
    fanins_.push_back(a);
    fanins_.push_back(b);
    hash_[at] = static_cast<uint32_t>(kinds_.size());
    return first_ + hash_[at] - 1;
  }

  // Slot of a node in the open-addressing table: its own, or the free one where it belongs.
  size_t find(uint8_t kind, uint32_t a, uint32_t b) const {
    uint64_t key = (uint64_t{a} << 32 | b) * 2 + kind;
    key *= 0x9E3779B97F4A7C15ull;
    key ^= key >> 29;
    size_t at = static_cast<size_t>(key * 0xBF58476D1CE4E5B9ull >> 20) & (hash_.size() - 1);
    for (;; at = (at + 1) & (hash_.size() - 1)) {
      if (!hash_[at]) return at;
      const size_t i = hash_[at] - 1;
      if (kinds_[i] == kind && fanins_[2 * i] == a && fanins_[2 * i + 1] == b) return at;
    }
  }

  void grow() {
    hash_.assign(2 * hash_.size(), 0);
    for (size_t i = 0; i < kinds_.size(); ++i)
      hash_[find(kinds_[i], fanins_[2 * i], fanins_[2 * i + 1])] = static_cast<uint32_t>(i + 1);
  }

  uint32_t first_;  // variable of node 0
  std::vector<uint8_t> kinds_;
  std::vector<uint32_t> fanins_;
  std::vector<uint32_t> hash_;  // node + 1, or 0
};

void check_size(uint32_t n_inputs, uint64_t n_nodes) {
  require(1 + uint64_t{n_inputs} + n_nodes <= uint64_t{1} << 31,
          "netlist: more than 2^31 variables");
}

void check_literal(uint32_t literal, uint64_t variables, const char* what) {
  if (literal >> 1 < variables) return;  // the message is made only where it is needed
  throw Error(std::string("netlist: ") + what + " literal " + std::to_string(literal) +
              " is out of range: " + std::to_string(variables) + " variables exist there");
}

}  // namespace

Netlist optimize(uint32_t n_inputs, uint64_t n_nodes, const uint8_t* kinds, const uint32_t* fanins,
                 uint64_t n_outputs, const uint32_t* outputs) {
  check_size(n_inputs, n_nodes);
  Builder builder(n_inputs, n_nodes);
  const uint64_t first = 1 + uint64_t{n_inputs};
  std::vector<uint32_t> made(n_nodes);
  const auto map = [&](uint32_t literal) {
    const uint64_t variable = literal >> 1;
    return variable < first ? literal : made[variable - first] ^ (literal & 1);
  };
  for (uint64_t i = 0; i < n_nodes; ++i) {
    require(kinds[i] <= kXor, "netlist: node kind must be 0 (AND) or 1 (XOR)");
    for (int s = 0; s < 2; ++s) check_literal(fanins[2 * i + s], first + i, "fan-in");
    made[i] = builder.make(kinds[i], map(fanins[2 * i]), map(fanins[2 * i + 1]));
  }
  std::vector<uint32_t> mapped(n_outputs);
  for (uint64_t i = 0; i < n_outputs; ++i) {
    check_literal(outputs[i], first + n_nodes, "output");
    mapped[i] = map(outputs[i]);
  }
  return builder.finish(n_inputs, std::move(mapped));
}

void levels(uint32_t n_inputs, uint64_t n_nodes, const uint32_t* fanins, uint32_t* result) {
  check_size(n_inputs, n_nodes);
  const uint64_t first = 1 + uint64_t{n_inputs};
  for (uint64_t i = 0; i < n_nodes; ++i) {
    uint32_t level = 0;
    for (int s = 0; s < 2; ++s) {
      const uint32_t literal = fanins[2 * i + s];
      check_literal(literal, first + i, "fan-in");
      if (literal >> 1 >= first) level = std::max(level, result[(literal >> 1) - first]);
    }
    result[i] = level + 1;
  }
}

}  // namespace lgnx
