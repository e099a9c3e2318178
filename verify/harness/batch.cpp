// Runs many samples through one verilated design: the inner loop of a co-simulation.
//
// Built with the model that Verilator makes under the name Vlgnx, as one shared library. The
// design's ports come in as macros: LGNX_INPUT, LGNX_FEATURES, LGNX_FEATURE_WIDTH, LGNX_CODE (the
// type of a feature); LGNX_SCORES, LGNX_GROUPS, LGNX_COUNT_WIDTH; LGNX_CLASS; LGNX_BITS,
// LGNX_N_BITS; and for a pipelined design LGNX_CLOCK, LGNX_LATENCY. With VM_TRACE there is also a
// run of one sample that writes its waves.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vlgnx.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
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
constexpr uint64_t kInputWords = (uint64_t(LGNX_FEATURES) * LGNX_FEATURE_WIDTH + 31) / 32;

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
  constexpr uint64_t mask = ~uint64_t(0) >> (64 - LGNX_FEATURE_WIDTH);
  uint64_t pending = 0;
  unsigned filled = 0;
  for (uint64_t f = 0; f < LGNX_FEATURES; ++f) {
    uint64_t code = uint64_t(features[f]) & mask;
    unsigned left = LGNX_FEATURE_WIDTH;
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

class Simulation {
 public:
  Simulation() {
#if VM_TRACE
    context_.traceEverOn(true);
#endif
    model_ = std::make_unique<Vlgnx>(&context_);
    write_port(model_->LGNX_INPUT, words_.data());
#ifdef LGNX_CLOCK
    model_->in_valid = 0;
    model_->LGNX_CLOCK = 0;
#endif
    model_->eval();
  }
  ~Simulation() { model_->final(); }
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void set(const Code* features) {
    pack(features, words_.data());
    write_port(model_->LGNX_INPUT, words_.data());
  }

  void get(uint64_t sample, int64_t* counts, int64_t* classes, uint8_t* bits) const {
#ifdef LGNX_SCORES
    for (uint64_t g = 0; g < LGNX_GROUPS; ++g)
      counts[sample * LGNX_GROUPS + g] =
          int64_t(read_field(model_->LGNX_SCORES, g * LGNX_COUNT_WIDTH, LGNX_COUNT_WIDTH));
#endif
#ifdef LGNX_CLASS
    classes[sample] = int64_t(model_->LGNX_CLASS);
#endif
#ifdef LGNX_BITS
    for (uint64_t i = 0; i < LGNX_N_BITS; ++i)
      bits[sample * LGNX_N_BITS + i] = uint8_t(read_field(model_->LGNX_BITS, i, 1));
#endif
    (void)sample, (void)counts, (void)classes, (void)bits;
  }

#ifdef LGNX_CLOCK
  // One clock period. `edge` is called after each half, for the waves.
  template <class Edge>
  bool cycle(bool valid, Edge edge) {
    model_->in_valid = valid;
    model_->LGNX_CLOCK = 1;
    model_->eval();
    edge();
    model_->LGNX_CLOCK = 0;
    model_->eval();
    edge();
    return model_->out_valid;
  }
#else
  void settle() { model_->eval(); }
#endif

  Vlgnx& model() { return *model_; }

 private:
  VerilatedContext context_;
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

}  // namespace

LGNX_EXPORT void* lgnx_sim_new(char* error, uint64_t error_size) {
  Simulation* simulation = nullptr;
  guard(error, error_size, [&](std::string&) {
    simulation = new Simulation;
    return kDone;
  });
  return simulation;
}

LGNX_EXPORT void lgnx_sim_free(void* handle) {
  guard(nullptr, 0, [&](std::string&) {
    delete static_cast<Simulation*>(handle);
    return kDone;
  });
}

// codes: [count][features]. counts: [count][groups]; classes: [count]; bits: [count][n_bits]; an
// output that the design does not have may be null. A pipelined design takes a sample per clock and
// must be idle; it is idle again at the end. Its out_valid must be exactly in_valid, delayed by the
// latency.
LGNX_EXPORT int lgnx_sim_run(void* handle, const Code* codes, uint64_t count, int64_t* counts,
                             int64_t* classes, uint8_t* bits, char* error, uint64_t error_size) {
  return guard(error, error_size, [&](std::string& message) {
    Simulation& simulation = *static_cast<Simulation*>(handle);
#ifdef LGNX_CLOCK
    for (uint64_t edge = 0; edge < count + LGNX_LATENCY; ++edge) {
      if (edge < count) simulation.set(codes + edge * LGNX_FEATURES);
      const bool valid = simulation.cycle(edge < count, [] {});
      const bool due = edge + 1 >= LGNX_LATENCY && edge + 1 - LGNX_LATENCY < count;
      if (valid != due) {
        message = "out_valid is " + std::to_string(valid) + " after clock edge " +
                  std::to_string(edge + 1) + " of a run of " + std::to_string(count) + " samples";
        return kWrongHandshake;
      }
      if (valid) simulation.get(edge + 1 - LGNX_LATENCY, counts, classes, bits);
    }
#else
    (void)message;
    for (uint64_t sample = 0; sample < count; ++sample) {
      simulation.set(codes + sample * LGNX_FEATURES);
      simulation.settle();
      simulation.get(sample, counts, classes, bits);
    }
#endif
    return kDone;
  });
}

#if VM_TRACE
// Writes the waves of one sample: a period of ten time units a clock, or a settled step.
LGNX_EXPORT int lgnx_sim_trace(const Code* features, const char* path, char* error,
                               uint64_t error_size) {
  return guard(error, error_size, [&](std::string& message) {
    Simulation simulation;
    VerilatedVcdC waves;
    simulation.model().trace(&waves, 99);
    waves.open(path);
    if (!waves.isOpen()) {
      message = "cannot be written";
      return kFailed;
    }
    uint64_t time = 0;
    waves.dump(time);
#ifdef LGNX_CLOCK
    const auto edge = [&] { waves.dump(time += 5); };
    simulation.cycle(false, edge);
    simulation.set(features);
    simulation.cycle(true, edge);
    for (uint64_t i = 0; i < LGNX_LATENCY + 1; ++i) simulation.cycle(false, edge);
#else
    simulation.set(features);
    simulation.settle();
    waves.dump(time += 10);
    waves.dump(time += 10);
#endif
    waves.close();
    return kDone;
  });
}
#endif
