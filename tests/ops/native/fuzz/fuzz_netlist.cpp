// The input is an XOR-AND graph. It is refused if it is not valid; else the optimizer keeps its
// function, and its levels are right.
#include <algorithm>

#include "fuzzing.h"
#include "lgnx.h"
#include "reference.h"

using namespace lgnx;
using namespace lgnx::testing;
using reference::Graph;

namespace {

// Three bytes a node: its kind and how to take its fan-ins, and these. Near nodes are counted from
// the node back, so that many of its neighbours meet in rules.
Graph decode(Bytes& bytes) {
  Graph graph;
  graph.n_inputs = bytes.byte() % 40;
  const uint32_t n_outputs = bytes.byte() % 16;
  const size_t n_nodes = (bytes.left() - std::min<size_t>(bytes.left(), n_outputs)) / 3;
  uint64_t literals = 2 * (uint64_t{1} + graph.n_inputs);
  const auto literal = [&](bool near, bool wild) {
    const uint32_t byte = bytes.byte();
    if (wild) return ~0u >> (byte % 32);  // may be out of range
    return static_cast<uint32_t>(near ? literals - 1 - byte % literals : byte % literals);
  };
  for (size_t i = 0; i < n_nodes; ++i, literals += 2) {
    const uint32_t flags = bytes.byte();
    graph.kinds.push_back(static_cast<uint8_t>(flags == 255 ? 2 : flags & 1));
    for (uint32_t s = 0; s < 2; ++s)
      graph.fanins.push_back(literal(flags & 2u << s, (flags & 0xF8u) == 0xA8u));
  }
  for (uint32_t i = 0; i < n_outputs; ++i) graph.outputs.push_back(literal(i % 4, i == 15));
  return graph;
}

bool fanins_valid(const Graph& graph) {
  for (size_t i = 0; i < graph.fanins.size(); ++i)
    if (graph.fanins[i] >> 1 >= 1 + graph.n_inputs + i / 2) return false;
  return true;
}

bool valid(const Graph& graph) {
  for (const uint8_t kind : graph.kinds)
    if (kind > 1) return false;
  for (const uint32_t literal : graph.outputs)
    if (literal >> 1 >= 1 + graph.n_inputs + graph.kinds.size()) return false;
  return fanins_valid(graph);
}

void check_levels(const Graph& graph) {
  const size_t n = graph.kinds.size();
  std::vector<uint32_t> levels(n, 0);
  char error[256] = "";
  const bool good = !lgnx_netlist_levels(graph.n_inputs, n, graph.fanins.data(), levels.data(),
                                         error, sizeof error);
  must(good == fanins_valid(graph) && good == !error[0], "levels, or a message");
  if (!good) return;
  const auto level = [&](uint32_t literal) {
    const uint32_t variable = literal >> 1;
    return variable > graph.n_inputs ? levels[variable - 1 - graph.n_inputs] : 0;
  };
  for (size_t i = 0; i < n; ++i)
    must(levels[i] == 1 + std::max(level(graph.fanins[2 * i]), level(graph.fanins[2 * i + 1])),
         "a level");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const Graph graph = decode(bytes);
  check_levels(graph);
  char error[256] = "";
  lgnx_netlist* result = lgnx_netlist_optimize(
      graph.n_inputs, graph.kinds.size(), graph.kinds.data(), graph.fanins.data(),
      graph.outputs.size(), graph.outputs.data(), error, sizeof error);
  must(!result == !valid(graph) && !result == (error[0] != 0), "a graph, or a message");
  if (!result) return 0;
  Graph small{graph.n_inputs, {}, {}, std::vector<uint32_t>(graph.outputs.size())};
  small.kinds.resize(lgnx_netlist_size(result));
  small.fanins.resize(2 * small.kinds.size());
  lgnx_netlist_read(result, small.kinds.data(), small.fanins.data(), small.outputs.data());
  lgnx_netlist_free(result);
  must(small.kinds.size() <= graph.kinds.size(), "the result is not larger");
  must(valid(small), "the result is valid");
  Random random(seed(data, size));
  std::vector<uint64_t> inputs;
  for (uint32_t i = 0; i < graph.n_inputs; ++i) inputs.push_back(random.word());
  must(graph.evaluate(inputs) == small.evaluate(inputs), "the function is kept");
  return 0;
}
