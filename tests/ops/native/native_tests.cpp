// Tests of the native code through its C interface, meant to run under the sanitizers.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "lgnx.h"

namespace {

std::mt19937 rng(1);

uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(rng); }

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

struct Words {
  std::vector<uint32_t> words;
  uint32_t n_inputs, n_outputs;
};

// A random valid program.
Words random_program(uint32_t n_inputs, uint32_t n_runs, uint32_t n_outputs) {
  std::vector<uint32_t> runs, operands;
  uint32_t wires = 1 + n_inputs, gates = 0;
  for (uint32_t r = 0; r < n_runs; ++r) {
    const uint32_t k = 1 + below(6), count = 1 + below(30);
    const uint64_t bits = uint64_t{rng()} << 32 | rng();
    const uint64_t table = k == 6 ? bits : bits & ((uint64_t{1} << (1u << k)) - 1);
    runs.insert(runs.end(),
                {k, count, static_cast<uint32_t>(table), static_cast<uint32_t>(table >> 32)});
    for (uint32_t i = 0; i < k * count; ++i) operands.push_back(below(wires));
    wires += count;
    gates += count;
  }
  Words result;
  result.n_inputs = n_inputs;
  result.n_outputs = n_outputs;
  result.words = {0x584E474C, 1, n_inputs, gates, n_runs, static_cast<uint32_t>(operands.size()),
                  n_outputs,  0};
  result.words.insert(result.words.end(), runs.begin(), runs.end());
  result.words.insert(result.words.end(), operands.begin(), operands.end());
  for (uint32_t i = 0; i < n_outputs; ++i) result.words.push_back(below(2 * wires));
  return result;
}

// One sample of a program, gate by gate.
std::vector<uint8_t> evaluate(const std::vector<uint32_t>& words, const uint8_t* bits) {
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
  std::vector<uint8_t> out;
  for (size_t i = 8 + 4 * n_runs + n_operands; i < words.size(); ++i)
    out.push_back(wire[words[i] >> 1] ^ (words[i] & 1));
  return out;
}

// Loads and runs whatever the words are; gives whether they were accepted.
bool run(const std::vector<uint32_t>& words, uint64_t batch) {
  char error[256] = "";
  lgnx_program* program = lgnx_program_load(words.data(), words.size(), error, sizeof error);
  if (!program) {
    expect(error[0] != 0, "a refused program has a message");
    return false;
  }
  const uint32_t n_in = lgnx_program_inputs(program), n_out = lgnx_program_outputs(program);
  if (uint64_t{n_in} + n_out < 1u << 16) {
    std::vector<uint8_t> bits(batch * n_in), out(batch * n_out, 2);
    for (uint8_t& bit : bits) bit = below(3);  // any nonzero byte is a 1
    expect(!lgnx_program_run(program, bits.data(), batch, out.data(), error, sizeof error), error);
    for (uint64_t s = 0; s < batch; s += 1 + batch / 8) {
      const std::vector<uint8_t> want = evaluate(words, bits.data() + s * n_in);
      expect(std::memcmp(want.data(), out.data() + s * n_out, n_out) == 0, "outputs agree");
    }
  }
  lgnx_program_free(program);
  return true;
}

void test_programs() {
  for (int i = 0; i < 40; ++i) {
    const Words program = random_program(below(150), below(12), 1 + below(130));
    for (uint64_t batch : {0, 1, 63, 64, 65, 257, 513, 1025, 2049})
      expect(run(program.words, batch), "a valid program is accepted");
  }
}

void test_mutations() {
  for (int i = 0; i < 4000; ++i) {
    Words program = random_program(1 + below(20), 1 + below(4), 1 + below(8));
    for (uint32_t m = 0; m <= below(3); ++m) {
      uint32_t& word = program.words[below(static_cast<uint32_t>(program.words.size()))];
      word = below(2) ? below(64) : (below(2) ? rng() : word ^ 1u << below(32));
    }
    if (below(4) == 0) program.words.resize(below(static_cast<uint32_t>(program.words.size())));
    run(program.words, 70);
  }
  char error[4];
  expect(!lgnx_program_load(nullptr, 0, error, sizeof error), "no words are no program");
  expect(std::strlen(error) == 3, "a message is cut to the buffer");
  expect(!lgnx_program_load(nullptr, 0, nullptr, 0), "a message needs no buffer");
}

// Rows of every type in memory of exactly their size, so that a read beyond them is found.
void test_rows() {
  const int32_t types[] = {1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13};
  const size_t sizes[] = {4, 1, 1, 2, 2, 4, 8, 1, 8, 4, 8};
  const uint32_t shapes[][2] = {{1, 1},  {3, 50}, {20, 3},  {33, 2},   {63, 1},
                                {64, 1}, {65, 1}, {100, 4}, {1100, 1}, {1030, 2}};
  for (size_t i = 0; i < 11; ++i)
    for (const auto& [features, per_feature] : shapes) {
      const Words words = random_program(features * per_feature, 3, 12);
      char error[256] = "";
      lgnx_program* program =
          lgnx_program_load(words.words.data(), words.words.size(), error, sizeof error);
      expect(program != nullptr, error);
      for (uint64_t batch : {0, 1, 64, 65, 300, 520, 1030}) {
        // Zeros and ones of the type, whatever it is.
        std::vector<char> x(batch * features * sizes[i]), limits(features * per_feature * sizes[i]);
        for (size_t at = 0; at < x.size(); at += sizes[i]) x[at] = static_cast<char>(below(2));
        for (uint32_t groups : {0, 4}) {
          double seconds[3] = {-1, -1, -1};
          const lgnx_rows rows = {x.data(),      types[i],    features, batch,
                                  limits.data(), per_feature, 1};
          expect(!lgnx_program_profile(program, &rows, groups, seconds, error, sizeof error),
                 error);
          expect(seconds[0] >= 0 && seconds[1] >= 0 && seconds[2] >= 0, "times are written");
        }
      }
      const lgnx_rows wrong = {nullptr, types[i], features + 1, 0, nullptr, per_feature, 1};
      double seconds[3];
      expect(lgnx_program_profile(program, &wrong, 0, seconds, error, sizeof error) != 0,
             "rows must fit the program");
      lgnx_program_free(program);
    }
}

struct Graph {
  uint32_t n_inputs;
  std::vector<uint8_t> kinds;
  std::vector<uint32_t> fanins, outputs;

  std::vector<uint8_t> evaluate(uint32_t input) const {
    std::vector<uint8_t> value(1, 0);
    for (uint32_t i = 0; i < n_inputs; ++i) value.push_back(input >> i & 1);
    const auto read = [&](uint32_t literal) -> uint8_t {
      return value[literal >> 1] ^ (literal & 1);
    };
    for (size_t i = 0; i < kinds.size(); ++i) {
      const uint8_t a = read(fanins[2 * i]), b = read(fanins[2 * i + 1]);
      value.push_back(kinds[i] ? a ^ b : a & b);
    }
    std::vector<uint8_t> out;
    for (uint32_t literal : outputs) out.push_back(read(literal));
    return out;
  }
};

void test_optimizer() {
  for (int round = 0; round < 300; ++round) {
    Graph graph;
    graph.n_inputs = 1 + below(7);
    const uint32_t n = below(120), first = 1 + graph.n_inputs;
    for (uint32_t i = 0; i < n; ++i) {
      graph.kinds.push_back(static_cast<uint8_t>(below(2)));
      graph.fanins.push_back(below(2 * (first + i)));
      graph.fanins.push_back(below(2 * (first + i)));
    }
    for (uint32_t i = 0; i < 9; ++i) graph.outputs.push_back(below(2 * (first + n)));
    char error[256] = "";
    lgnx_netlist* result =
        lgnx_netlist_optimize(graph.n_inputs, n, graph.kinds.data(), graph.fanins.data(), 9,
                              graph.outputs.data(), error, sizeof error);
    expect(result != nullptr, error);
    Graph small{graph.n_inputs, {}, {}, std::vector<uint32_t>(9)};
    small.kinds.resize(lgnx_netlist_size(result));
    small.fanins.resize(2 * small.kinds.size());
    lgnx_netlist_read(result, small.kinds.data(), small.fanins.data(), small.outputs.data());
    lgnx_netlist_free(result);
    expect(small.kinds.size() <= graph.kinds.size(), "the result is not larger");
    for (uint32_t input = 0; input < 1u << graph.n_inputs; ++input)
      expect(graph.evaluate(input) == small.evaluate(input), "the function is kept");
    std::vector<uint32_t> levels(n);
    expect(!lgnx_netlist_levels(graph.n_inputs, n, graph.fanins.data(), levels.data(), error,
                                sizeof error),
           error);
  }
  const uint8_t kind = 0;
  const uint32_t late[2] = {2, 4}, output = 2;
  char error[256] = "";
  expect(!lgnx_netlist_optimize(1, 1, &kind, late, 1, &output, error, sizeof error),
         "a node must not read itself");
  expect(std::strstr(error, "out of range") != nullptr, "the message says why");
}

}  // namespace

int main() {
  test_programs();
  test_mutations();
  test_rows();
  test_optimizer();
  std::printf("native tests passed (%s)\n", lgnx_simd());
}
