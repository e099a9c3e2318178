// Runs many samples through one verilated design: the inner loop of a co-simulation.
//
// Built with the model that Verilator makes under the name Vlgnx, as one shared library. The
// design's ports come in as macros: LGNX_INPUT, LGNX_FEATURES, LGNX_CODE (the type of a feature),
// LGNX_INPUT_WIDTH and LGNX_FEATURE_WIDTH, or widths.h where these differ; for each output its port
// and first bit there, LGNX_SCORES and LGNX_SCORES_AT with LGNX_GROUPS and LGNX_COUNT_WIDTH,
// LGNX_CLASS with LGNX_CLASS_WIDTH, LGNX_TRIGGER, LGNX_BITS with LGNX_N_BITS; for a pipelined
// design LGNX_CLOCK and LGNX_LATENCY, and LGNX_VALID or LGNX_AXI_STREAM; LGNX_RESET and
// LGNX_IN_RESET. In a streaming design, LGNX_STREAMING, a feature is a slot of a beat; a sample has
// LGNX_BEATS, and takes LGNX_INTERVAL clocks where nothing stalls. With VM_TRACE a run can write
// its waves, with VM_COVERAGE what it toggled.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vlgnx.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Waves = VerilatedFstC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using Waves = VerilatedVcdC;
#endif
#if VM_COVERAGE
#include "verilated_cov.h"
#endif

#define LGNX_EXPORT extern "C" __attribute__((visibility("default")))

// Verilator's own versions of these end the process.
void vl_fatal(const char* file, int line, const char*, const char* message) {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + message);
}
void vl_finish(const char* file, int line, const char*) {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": Verilog $finish");
}

namespace {

using Code = LGNX_CODE;

constexpr int kDone = 0, kFailed = 1, kWrongHandshake = 2;
#ifndef LGNX_STREAMING
#define LGNX_BEATS 1
#define LGNX_INTERVAL 1
#endif

constexpr uint64_t kInputWords = (uint64_t(LGNX_INPUT_WIDTH) + 31) / 32;

#ifdef LGNX_FEATURE_WIDTH
constexpr unsigned width_of(uint64_t) { return LGNX_FEATURE_WIDTH; }
#else
#include "widths.h"
unsigned width_of(uint64_t feature) { return kWidths[feature]; }
#endif

// A port is a number of 8 to 64 bits, or from 65 bits on an array of 32-bit words.
template <class T>
void write_port(T& port, const uint32_t* words) {
  uint64_t value = words[0];
  if (sizeof(T) == 8) value |= uint64_t(words[kInputWords > 1 ? 1 : 0]) << 32;
  port = static_cast<T>(value);
}
template <std::size_t N>
void write_port(VlWide<N>& port, const uint32_t* words) {
  for (std::size_t i = 0; i < N; ++i) port.m_storage[i] = words[i];
}

template <class T>
uint64_t read_field(const T& port, uint64_t low, unsigned width) {
  return (uint64_t(port) >> low) & (~uint64_t(0) >> (64 - width));
}
template <std::size_t N>
uint64_t read_field(const VlWide<N>& port, uint64_t low, unsigned width) {
  const uint64_t word = low / 32;
  uint64_t value = port.m_storage[word];
  if (word + 1 < N) value |= uint64_t(port.m_storage[word + 1]) << 32;
  return (value >> (low % 32)) & (~uint64_t(0) >> (64 - width));  // width <= 32
}

void pack(const Code* features, uint32_t* words) {
  uint64_t pending = 0;
  unsigned filled = 0;
  for (uint64_t f = 0; f < LGNX_FEATURES; ++f) {
    unsigned left = width_of(f);
    uint64_t code = uint64_t(features[f]) & (~uint64_t(0) >> (64 - left));
    while (left > 0) {  // twice where a feature is wider than 32 bits
      const unsigned part = left < 32 ? left : 32;
      pending |= (code & 0xFFFFFFFFu) << filled;
      filled += part;
      code >>= part == 32 ? 32 : 0;
      left -= part;
      if (filled >= 32) {
        *words++ = uint32_t(pending);
        pending >>= 32;
        filled -= 32;
      }
    }
  }
  if (filled > 0) *words = uint32_t(pending);
}

// Where the outputs of a batch go; null for one that the design does not have.
struct Outputs {
  int64_t* counts;    // [count][groups]
  int64_t* classes;   // [count]
  uint8_t* triggers;  // [count]
  uint8_t* bits;      // [count][n_bits]
};

class Simulation {
 public:
  Simulation() { restart(); }
  ~Simulation() { model_->final(); }
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Starts anew from power-up.
  void restart() {
    if (model_) model_->final();
    model_.reset();
    context_ = std::make_unique<VerilatedContext>();
#if VM_TRACE
    context_->traceEverOn(true);
#endif
    model_ = std::make_unique<Vlgnx>(context_.get());
    write_port(model_->LGNX_INPUT, words_.data());
#ifdef LGNX_CLOCK
    mark(false);
    accept(true);
    model_->LGNX_CLOCK = 0;
#ifdef LGNX_RESET
    model_->LGNX_RESET = LGNX_IN_RESET;
    for (int i = 0; i < 2; ++i) cycle([] {});
    model_->LGNX_RESET = !LGNX_IN_RESET;
#endif
#endif
    model_->eval();
  }

  void set(const Code* features) {
    pack(features, words_.data());
    write_port(model_->LGNX_INPUT, words_.data());
  }

  void get(uint64_t sample, const Outputs& outputs) const {
#ifdef LGNX_SCORES
    for (uint64_t g = 0; g < LGNX_GROUPS; ++g)
      outputs.counts[sample * LGNX_GROUPS + g] = int64_t(
          read_field(model_->LGNX_SCORES, LGNX_SCORES_AT + g * LGNX_COUNT_WIDTH, LGNX_COUNT_WIDTH));
#endif
#ifdef LGNX_CLASS
    outputs.classes[sample] =
        int64_t(read_field(model_->LGNX_CLASS, LGNX_CLASS_AT, LGNX_CLASS_WIDTH));
#endif
#ifdef LGNX_TRIGGER
    outputs.triggers[sample] = uint8_t(read_field(model_->LGNX_TRIGGER, LGNX_TRIGGER_AT, 1));
#endif
#ifdef LGNX_BITS
    for (uint64_t i = 0; i < LGNX_N_BITS; ++i)
      outputs.bits[sample * LGNX_N_BITS + i] =
          uint8_t(read_field(model_->LGNX_BITS, LGNX_BITS_AT + i, 1));
#endif
    (void)sample, (void)outputs;
  }

#ifdef LGNX_CLOCK
  // Says whether the input is a sample.
  void mark(bool valid) {
#if defined(LGNX_AXI_STREAM)
    model_->s_axis_tvalid = valid;
#elif defined(LGNX_VALID)
    model_->in_valid = valid;
#endif
    (void)valid;
  }
  // Says whether a beat is the last of its sample.
  void mark_last(bool last) {
#ifdef LGNX_STREAMING
    model_->s_axis_tlast = last;
#endif
    (void)last;
  }
  // Says whether a result may leave.
  void accept(bool ready) {
#ifdef LGNX_AXI_STREAM
    model_->m_axis_tready = ready;
#endif
    (void)ready;
  }

  // One clock period up to behind the rising edge. `edge` is called in each half, for the waves.
  template <class Edge>
  void cycle(Edge edge) {
    model_->LGNX_CLOCK = 0;
    model_->eval();
    edge();
    model_->LGNX_CLOCK = 1;
    model_->eval();
    edge();
  }
#endif
  void settle() { model_->eval(); }

  Vlgnx& model() { return *model_; }
  VerilatedContext& context() { return *context_; }

 private:
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vlgnx> model_;
  std::vector<uint32_t> words_ = std::vector<uint32_t>(kInputWords);
};

// Runs a body, which may write a message; an exception becomes a message too.
template <class Body>
int guard(char* error, uint64_t error_size, Body body) {
  std::string message;
  int status = kFailed;
  try {
    status = body(message);
  } catch (const std::exception& problem) {
    message = problem.what();
  } catch (...) {
    message = "unknown C++ exception";
  }
  if (error_size > 0) std::snprintf(error, error_size, "%s", message.c_str());
  return status;
}

// One run: samples [count][beats][features], where their results go, and the clocks in which an AXI
// stream has no sample (`sender`) or takes no result (`receiver`), both [stall_clocks].
struct Run {
  const Code* codes;
  uint64_t count;
  Outputs outputs;
  const uint8_t* sender;
  const uint8_t* receiver;
  uint64_t stall_clocks;
};

#if defined(LGNX_AXI_STREAM)
// Without stalls the first result must come at the latency, each other one at the interval behind
// the one before. The stream is idle again at the end.
template <class Edge>
int execute(Simulation& simulation, const Run& run, std::string& message, Edge edge) {
  auto& model = simulation.model();
  uint64_t beats = 0, received = 0, clocks = 0, idle = 0;  // beats: that were taken
  bool offered = false;
  while (received < run.count) {
    const bool stalls = clocks < run.stall_clocks;
    // What was offered stays until it is taken, as the protocol has it.
    if (!offered && beats < run.count * LGNX_BEATS && !(stalls && run.sender[clocks])) {
      simulation.set(run.codes + beats * LGNX_FEATURES);
      simulation.mark_last(beats % LGNX_BEATS == LGNX_BEATS - 1);
      offered = true;
    }
    simulation.mark(offered);
    simulation.accept(!(stalls && run.receiver[clocks]));
    simulation.settle();
    const bool taken = offered && model.s_axis_tready;
    const bool left = model.m_axis_tvalid && model.m_axis_tready;
    if (model.m_axis_tvalid && received == beats / LGNX_BEATS) {
      message = "a result came after " + std::to_string(received) + " results of " +
                std::to_string(beats / LGNX_BEATS) + " samples taken";
      return kWrongHandshake;
    }
    if (left) {
      if (run.stall_clocks == 0 && clocks != received * LGNX_INTERVAL + LGNX_LATENCY) {
        message = "result " + std::to_string(received) + " came after clock edge " +
                  std::to_string(clocks) + ", with no stalls, latency " +
                  std::to_string(LGNX_LATENCY) + " and interval " + std::to_string(LGNX_INTERVAL);
        return kWrongHandshake;
      }
      simulation.get(received++, run.outputs);
    }
    simulation.cycle(edge);
    ++clocks;
    if (taken) {
      ++beats;
      offered = false;
    }
    idle = taken || left ? 0 : idle + 1;
    if (idle > 10000 + 100 * LGNX_LATENCY) {
      message = "nothing moves any more: " + std::to_string(beats / LGNX_BEATS) +
                " samples taken, " + std::to_string(received) + " results of " +
                std::to_string(run.count);
      return kWrongHandshake;
    }
  }
  simulation.mark(false);
  simulation.accept(true);
  for (uint64_t i = 0; i < LGNX_LATENCY + 2; ++i) {
    simulation.settle();
    if (model.m_axis_tvalid) {
      message = "a result too many came after all " + std::to_string(run.count);
      return kWrongHandshake;
    }
    simulation.cycle(edge);
  }
#ifdef LGNX_STREAMING
  if (model.frame_error) {
    message = "frame_error is 1 though tlast came with the last beats alone";
    return kWrongHandshake;
  }
#endif
  return kDone;
}
#elif defined(LGNX_CLOCK)
// A sample per clock; out_valid must be exactly in_valid, delayed by the latency.
template <class Edge>
int execute(Simulation& simulation, const Run& run, std::string& message, Edge edge) {
  for (uint64_t clock = 0; clock < run.count + LGNX_LATENCY; ++clock) {
    if (clock < run.count) simulation.set(run.codes + clock * LGNX_FEATURES);
    simulation.mark(clock < run.count);
    simulation.cycle(edge);
    const bool due =
        LGNX_LATENCY > 0 && clock + 1 >= LGNX_LATENCY && clock + 1 - LGNX_LATENCY < run.count;
#ifdef LGNX_VALID
    const bool valid = simulation.model().out_valid;
    if (valid != due) {
      message = "out_valid is " + std::to_string(valid) + " after clock edge " +
                std::to_string(clock + 1) + " of a run of " + std::to_string(run.count) +
                " samples";
      return kWrongHandshake;
    }
#endif
    if (due) simulation.get(clock + 1 - LGNX_LATENCY, run.outputs);
  }
  (void)message;
  return kDone;
}
#else
template <class Edge>
int execute(Simulation& simulation, const Run& run, std::string&, Edge edge) {
  for (uint64_t sample = 0; sample < run.count; ++sample) {
    simulation.set(run.codes + sample * LGNX_FEATURES);
    simulation.settle();
    simulation.get(sample, run.outputs);
    edge();
  }
  return kDone;
}
#endif

}  // namespace

LGNX_EXPORT void* lgnx_sim_new(char* error, uint64_t error_size) {
  Simulation* simulation = nullptr;
  guard(error, error_size, [&](std::string&) {
    simulation = new Simulation;
    return kDone;
  });
  return simulation;
}

// Runs samples through a design that is idle: as it was left, or from power-up with `fresh`. It is
// idle again at the end, whatever came of it. With a path, a library that can writes the waves
// there: a period of ten time units a clock, or a settled step a sample.
LGNX_EXPORT int lgnx_sim_run(void* handle, const Code* codes, uint64_t count, int64_t* counts,
                             int64_t* classes, uint8_t* triggers, uint8_t* bits,
                             const uint8_t* sender, const uint8_t* receiver, uint64_t stall_clocks,
                             uint64_t fresh, const char* waves_path, char* error,
                             uint64_t error_size) {
  return guard(error, error_size, [&](std::string& message) {
    Simulation& simulation = *static_cast<Simulation*>(handle);
    const Run run{codes, count, {counts, classes, triggers, bits}, sender, receiver, stall_clocks};
    if (fresh) simulation.restart();
    int status = kFailed;
#if VM_TRACE
    Waves waves;
    simulation.model().trace(&waves, 99);
    waves.open(waves_path);
    if (!waves.isOpen()) {
      message = "the waves cannot be written";
      return kFailed;
    }
    uint64_t time = 0;
    const auto edge = [&] {
      waves.dump(time);
      time += 5;
    };
    edge();
    status = execute(simulation, run, message, edge);
    edge();
    edge();
    waves.close();
#else
    (void)waves_path;
    status = execute(simulation, run, message, [] {});
#endif
    if (status != kDone) simulation.restart();
    return status;
  });
}

#if VM_COVERAGE
// Writes how often every bit of the design has toggled since power-up.
LGNX_EXPORT int lgnx_sim_coverage(void* handle, const char* path, char* error,
                                  uint64_t error_size) {
  return guard(error, error_size, [&](std::string&) {
    static_cast<Simulation*>(handle)->context().coveragep()->write(path);
    return kDone;
  });
}
#endif
