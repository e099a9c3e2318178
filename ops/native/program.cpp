#include "program.h"

#include <string>

#include "error.h"

namespace lgnx {
namespace {

constexpr uint64_t kHeaderWords = 8;
constexpr uint64_t kRunWords = 4;
constexpr uint64_t kMaxWires = uint64_t{1} << 31;
constexpr uint64_t kMaxInputs = uint64_t{1} << 24;

void check(bool condition, const std::string& field, const std::string& message) {
  require(condition, "program, " + field + ": " + message);
}

std::string number(uint64_t value) { return std::to_string(value); }

}  // namespace

Program parse_program(const uint32_t* words, uint64_t n_words) {
  check(n_words >= kHeaderWords, "header",
        number(n_words) + " words, must be at least " + number(kHeaderWords));
  check(words[0] == kMagic, "magic", "is " + number(words[0]) + ", must be " + number(kMagic));
  check(words[1] == kProgramVersion, "version",
        "is " + number(words[1]) + ", this release reads " + number(kProgramVersion));
  const uint64_t n_inputs = words[2], n_gates = words[3], n_runs = words[4];
  const uint64_t n_operands = words[5], n_outputs = words[6];
  check(words[7] == 0, "reserved", "is " + number(words[7]) + ", must be 0");
  // Each term is below 2^34, so the sum cannot overflow.
  const uint64_t expected = kHeaderWords + kRunWords * n_runs + n_operands + n_outputs;
  check(n_words == expected, "words",
        number(n_words) + " words, the header says " + number(expected));
  // Memory is needed for every input, even of a file that hardly has any other content.
  check(n_inputs <= kMaxInputs, "n_inputs",
        "is " + number(n_inputs) + ", at most " + number(kMaxInputs));
  check(1 + n_inputs + n_gates <= kMaxWires, "n_gates", "more than 2^31 wires");
  check(n_outputs >= 1, "n_outputs", "is 0, must be at least 1");

  Program program;
  program.n_inputs = static_cast<uint32_t>(n_inputs);
  program.n_gates = static_cast<uint32_t>(n_gates);
  program.words.assign(words, words + n_words);
  program.runs.reserve(n_runs);
  uint64_t at = kHeaderWords + kRunWords * n_runs;
  const uint64_t end = at + n_operands;
  uint64_t wires = 1 + n_inputs, gates = 0;
  for (uint64_t r = 0; r < n_runs; ++r) {
    const uint32_t* row = program.words.data() + kHeaderWords + kRunWords * r;
    const std::string where = "run " + number(r);
    Run run{row[0], row[1], row[2] | uint64_t{row[3]} << 32, program.words.data() + at};
    check(run.k >= 1 && run.k <= kMaxFanin, where,
          "k is " + number(run.k) + ", must be 1 to " + number(kMaxFanin));
    check(run.count >= 1, where, "has no gates, must have at least 1");
    check((run.table & ~table_mask(run.k)) == 0, where, "its table has bits beyond 2^k");
    const uint64_t operands = uint64_t{run.k} * run.count;
    check(operands <= end - at, where, "its fan-ins reach beyond n_operands");
    gates += run.count;
    check(gates <= n_gates, "n_gates", "is " + number(n_gates) + ", the runs hold more");
    for (uint64_t i = 0; i < operands; ++i)
      if (run.fanins[i] >= wires)  // the message is made only where it is needed
        check(false, where,
              "reads wire " + number(run.fanins[i]) + ", only " + number(wires) +
                  " exist before the run");
    at += operands;
    wires += run.count;
    program.runs.push_back(run);
  }
  check(at == end, "n_operands", "is " + number(n_operands) + ", the runs use fewer");
  check(gates == n_gates, "n_gates", "is " + number(n_gates) + ", the runs hold " + number(gates));
  program.outputs.assign(program.words.begin() + static_cast<int64_t>(end), program.words.end());
  for (uint32_t literal : program.outputs)
    if (literal >> 1 >= wires)
      check(false, "outputs",
            "literal " + number(literal) + " is out of range: " + number(wires) + " wires exist");
  return program;
}

}  // namespace lgnx
