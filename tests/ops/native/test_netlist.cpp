// The XOR-AND optimizer: each of its rules, that functions are kept, and its errors.
#include <doctest/doctest.h>

#include "error.h"
#include "netlist.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;
using reference::Graph;

namespace {

Graph optimized(const Graph& graph) {
  const Netlist result = optimize(graph.n_inputs, graph.kinds.size(), graph.kinds.data(),
                                  graph.fanins.data(), graph.outputs.size(), graph.outputs.data());
  return {result.n_inputs, result.kinds, result.fanins, result.outputs};
}

// All inputs, 64 at a time.
void check_same_function(const Graph& a, const Graph& b) {
  for (uint64_t base = 0; base < uint64_t{1} << a.n_inputs; base += 64) {
    std::vector<uint64_t> inputs(a.n_inputs, 0);
    for (uint32_t i = 0; i < a.n_inputs; ++i)
      for (uint64_t s = 0; s < 64; ++s) inputs[i] |= ((base + s) >> i & 1) << s;
    CHECK(a.evaluate(inputs) == b.evaluate(inputs));
  }
}

struct Node {
  uint8_t kind;
  uint32_t a, b;
};

Graph make_graph(uint32_t n_inputs, const std::vector<Node>& nodes,
                 const std::vector<uint32_t>& outputs) {
  Graph graph;
  graph.n_inputs = n_inputs;
  for (const Node& node : nodes) {
    graph.kinds.push_back(node.kind);
    graph.fanins.insert(graph.fanins.end(), {node.a, node.b});
  }
  graph.outputs = outputs;
  return graph;
}

// The output of a graph of three inputs is its last node; so many nodes are left.
void check_rule(const std::vector<Node>& nodes, size_t left) {
  const uint32_t last = 2 * (3 + static_cast<uint32_t>(nodes.size()));
  for (uint32_t complement : {0u, 1u}) {
    const Graph graph = make_graph(3, nodes, {last ^ complement});
    const Graph small = optimized(graph);
    CHECK(small.kinds.size() == left);
    check_same_function(graph, small);
  }
}

template <class F>
std::string message(F&& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

// Literals of the inputs and of nodes after three inputs.
constexpr uint32_t kFalse = 0, kTrue = 1, kA = 2, kB = 4, kC = 6, kFirst = 8, kSecond = 10;

}  // namespace

TEST_CASE("constants and equal operands") {
  for (uint32_t a : {kA, kA + 1}) {
    check_rule({{kAnd, a, kFalse}}, 0);
    check_rule({{kAnd, a, kTrue}}, 0);
    check_rule({{kAnd, a, a}}, 0);
    check_rule({{kAnd, a, a ^ 1}}, 0);
    check_rule({{kXor, a, kFalse}}, 0);
    check_rule({{kXor, kTrue, a}}, 0);
    check_rule({{kXor, a, a}}, 0);
    check_rule({{kXor, a, a ^ 1}}, 0);
  }
}

TEST_CASE("nodes are shared whatever the order and polarity of their operands") {
  check_rule({{kAnd, kA, kB}, {kAnd, kB, kA}, {kXor, kFirst, kSecond}}, 0);
  check_rule({{kXor, kA, kB}, {kXor, kB + 1, kA}, {kAnd, kFirst, kSecond}}, 0);
  check_rule({{kXor, kA, kB}, {kXor, kB + 1, kA + 1}, {kAnd, kFirst, kSecond}}, 1);
}

TEST_CASE("an AND looks into an operand") {
  for (uint32_t p : {kA, kA + 1})
    for (uint32_t swapped : {0u, 1u}) {
      const Node inner = swapped ? Node{kAnd, kB, p} : Node{kAnd, p, kB};
      check_rule({inner, {kAnd, kFirst, p}}, 1);  // (p q) p = p q
      check_rule({inner, {kAnd, p, kFirst}}, 1);
      check_rule({inner, {kAnd, kFirst, p ^ 1}}, 0);      // (p q) p' = 0
      check_rule({inner, {kAnd, kFirst + 1, p ^ 1}}, 0);  // (p q)' p' = p'
      check_rule({inner, {kAnd, kFirst + 1, p}}, 1);      // (p q)' p = p q'
      check_rule({inner, {kAnd, p, kFirst + 1}}, 1);
    }
}

TEST_CASE("an AND looks into both operands") {
  for (uint32_t swapped : {0u, 1u}) {
    const Node first = swapped ? Node{kAnd, kB, kA} : Node{kAnd, kA, kB};
    const Node second = swapped ? Node{kAnd, kA + 1, kC} : Node{kAnd, kC, kA + 1};
    check_rule({first, second, {kAnd, kFirst, kSecond}}, 0);  // (p q) (p' r) = 0
  }
  check_rule({{kAnd, kA, kB}, {kAnd, kA, kC}, {kAnd, kFirst, kSecond}}, 3);
}

TEST_CASE("an XOR looks into an operand") {
  for (uint32_t p : {kA, kA + 1})
    for (uint32_t outer : {kA, kA + 1, kB, kB + 1}) {
      check_rule({{kXor, p, kB}, {kXor, kFirst, outer}}, 0);  // (p + q) + p = q
      check_rule({{kXor, p, kB}, {kXor, outer, kFirst + 1}}, 0);
    }
  check_rule({{kXor, kA, kB}, {kXor, kFirst, kC}}, 2);
}

TEST_CASE("nodes that no output needs are dropped") {
  const Graph graph =
      make_graph(3, {{kAnd, kA, kB}, {kXor, kB, kC}, {kAnd, kA, kC}}, {kSecond, kA, kTrue});
  const Graph small = optimized(graph);
  CHECK(small.kinds == std::vector<uint8_t>{kXor});
  CHECK(small.outputs == std::vector<uint32_t>{kFirst, kA, kTrue});
}

TEST_CASE("random graphs keep their function") {
  Random random(17);
  for (int round = 0; round < 300; ++round) {
    Graph graph;
    graph.n_inputs = random.below(9);
    const uint32_t n = random.below(120), first = 1 + graph.n_inputs;
    for (uint32_t i = 0; i < n; ++i) {
      graph.kinds.push_back(static_cast<uint8_t>(random.below(2)));
      for (int s = 0; s < 2; ++s) {
        // Near ones more often than others, so that rules meet.
        const uint32_t all = 2 * (first + i);
        const uint32_t near = std::min(all, 16u);
        graph.fanins.push_back(random.below(2) ? random.below(all) : all - 1 - random.below(near));
      }
    }
    for (uint32_t i = 0; i < 9; ++i) graph.outputs.push_back(random.below(2 * (first + n)));
    const Graph small = optimized(graph);
    CHECK(small.kinds.size() <= graph.kinds.size());
    check_same_function(graph, small);
    CHECK(optimized(small).kinds.size() <= small.kinds.size());
  }
}

TEST_CASE("many different nodes") {
  Graph graph;
  graph.n_inputs = 200;
  for (uint32_t i = 1; i <= 200; ++i)
    for (uint32_t j = 1; j < i; ++j) {
      graph.kinds.push_back(kAnd);
      graph.fanins.insert(graph.fanins.end(), {2 * i, 2 * j});
      graph.outputs.push_back(2 * (200 + static_cast<uint32_t>(graph.kinds.size())));
    }
  CHECK(optimized(graph).kinds.size() == graph.kinds.size());
}

TEST_CASE("no nodes, no inputs, no outputs") {
  CHECK(optimized(make_graph(0, {}, {})).outputs.empty());
  CHECK(optimized(make_graph(0, {}, {1, 0})).outputs == std::vector<uint32_t>{1, 0});
  CHECK(optimized(make_graph(0, {{kXor, 0, 1}}, {2, 3})).outputs == std::vector<uint32_t>{1, 0});
  CHECK(optimized(make_graph(3, {{kAnd, kA, kB}}, {})).kinds.empty());
}

TEST_CASE("bad graphs are refused") {
  CHECK(message([] { optimized(make_graph(1, {{kAnd, 2, 4}}, {2})); }) ==
        "netlist: fan-in literal 4 is out of range: 2 variables exist there");
  CHECK(message([] { optimized(make_graph(1, {{kAnd, ~0u, 2}}, {2})); }) ==
        "netlist: fan-in literal 4294967295 is out of range: 2 variables exist there");
  CHECK(message([] { optimized(make_graph(1, {{kAnd, 2, 2}}, {6})); }) ==
        "netlist: output literal 6 is out of range: 3 variables exist there");
  CHECK(message([] { optimized(make_graph(1, {{2, 2, 2}}, {2})); }) ==
        "netlist: node kind must be 0 (AND) or 1 (XOR)");
  CHECK(message([] { optimize(~0u, 0, nullptr, nullptr, 0, nullptr); }) ==
        "netlist: more than 2^31 variables");
  CHECK(message([] { levels(1, uint64_t{1} << 31, nullptr, nullptr); }) ==
        "netlist: more than 2^31 variables");
}

TEST_CASE("levels") {
  const std::vector<uint32_t> fanins = {kA, kB + 1, kFirst, kC, kTrue, kA, kFirst + 1, kSecond};
  std::vector<uint32_t> result(4);
  levels(3, 4, fanins.data(), result.data());
  CHECK(result == std::vector<uint32_t>{1, 2, 1, 3});
  const uint32_t late[] = {kA, kFirst};
  CHECK(message([&] { levels(3, 1, late, result.data()); }) ==
        "netlist: fan-in literal 8 is out of range: 4 variables exist there");
}
