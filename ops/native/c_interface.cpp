#include <algorithm>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "engine.h"
#include "error.h"
#include "lgnx.h"
#include "netlist.h"

struct lgnx_netlist {
  lgnx::Netlist value;
};

struct lgnx_program {
  explicit lgnx_program(lgnx::Program&& parsed)
      : program(std::move(parsed)),
        schedule(lgnx::schedule(program, 0)),
        plan(schedule, {schedule.n_inputs, 1}) {}
  lgnx::Program program;
  lgnx::Schedule schedule;  // with the outputs as bits
  lgnx::PackPlan plan;
};

namespace {

void report(const char* message, char* error, size_t error_size) {
  if (!error || !error_size) return;
  const size_t length = std::min(std::strlen(message), error_size - 1);
  std::memcpy(error, message, length);
  error[length] = 0;
}

template <class F>
bool guarded(char* error, size_t error_size, F&& work) noexcept {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    report("out of memory", error, error_size);
  } catch (const std::exception& e) {
    report(e.what(), error, error_size);
  } catch (...) {
    report("unknown error", error, error_size);
  }
  return false;
}

}  // namespace

lgnx_netlist* lgnx_netlist_optimize(uint32_t n_inputs, uint64_t n_nodes, const uint8_t* kinds,
                                    const uint32_t* fanins, uint64_t n_outputs,
                                    const uint32_t* outputs, char* error, size_t error_size) {
  lgnx_netlist* result = nullptr;
  guarded(error, error_size, [&] {
    result = new lgnx_netlist{lgnx::optimize(n_inputs, n_nodes, kinds, fanins, n_outputs, outputs)};
  });
  return result;
}

uint64_t lgnx_netlist_size(const lgnx_netlist* netlist) { return netlist->value.kinds.size(); }

void lgnx_netlist_read(const lgnx_netlist* netlist, uint8_t* kinds, uint32_t* fanins,
                       uint32_t* outputs) {
  const lgnx::Netlist& n = netlist->value;
  std::copy(n.kinds.begin(), n.kinds.end(), kinds);
  std::copy(n.fanins.begin(), n.fanins.end(), fanins);
  std::copy(n.outputs.begin(), n.outputs.end(), outputs);
}

void lgnx_netlist_free(lgnx_netlist* netlist) { delete netlist; }

int lgnx_netlist_levels(uint32_t n_inputs, uint64_t n_nodes, const uint32_t* fanins,
                        uint32_t* levels, char* error, size_t error_size) {
  return guarded(error, error_size, [&] { lgnx::levels(n_inputs, n_nodes, fanins, levels); }) ? 0
                                                                                              : 1;
}

lgnx_program* lgnx_program_load(const uint32_t* words, uint64_t n_words, char* error,
                                size_t error_size) {
  lgnx_program* result = nullptr;
  guarded(error, error_size,
          [&] { result = new lgnx_program(lgnx::parse_program(words, n_words)); });
  return result;
}

void lgnx_program_free(lgnx_program* program) { delete program; }

uint32_t lgnx_program_inputs(const lgnx_program* program) { return program->schedule.n_inputs; }

uint32_t lgnx_program_outputs(const lgnx_program* program) { return program->schedule.n_outputs; }

int lgnx_program_run(const lgnx_program* program, const uint8_t* bits, uint64_t batch, uint8_t* out,
                     char* error, size_t error_size) {
  const bool good = guarded(error, error_size, [&] {
    const lgnx::Schedule& schedule = program->schedule;
    const char* x = reinterpret_cast<const char*>(bits);
    const lgnx::Batch work{
        schedule,
        program->plan,
        {x, lgnx::Type::kUint8, program->plan.layout(), nullptr, x + batch * schedule.n_inputs},
        nullptr,
        batch,
        reinterpret_cast<char*>(out),
        lgnx::choose_words(schedule, batch)};
    for (uint64_t block = 0; block < work.blocks(); ++block) work.run(block);
  });
  return good ? 0 : 1;
}

int lgnx_program_profile(const lgnx_program* program, const lgnx_rows* rows, uint32_t groups,
                         double seconds[3], char* error, size_t error_size) {
  const bool good = guarded(error, error_size, [&] {
    lgnx::Scale scale;
    scale.groups = groups;
    scale.type = lgnx::Type::kInt32;
    lgnx::Schedule grouped;
    if (groups) {
      lgnx::check_scale(scale, program->program.outputs.size());
      grouped = lgnx::schedule(program->program, groups);
    }
    const lgnx::Schedule& schedule = groups ? grouped : program->schedule;
    const lgnx::Type type = static_cast<lgnx::Type>(rows->type);
    const size_t size = lgnx::type_size(type);
    lgnx::require(size && type != lgnx::Type::kFloat16, "rows: unsupported type");
    lgnx::require(rows->per_feature >= 1 && rows->features <= schedule.n_inputs &&
                      rows->per_feature <= uint64_t{1} + schedule.n_inputs &&
                      rows->features * rows->per_feature == schedule.n_inputs,
                  "rows: do not give the inputs of the program");
    lgnx::require(rows->thresholds || rows->per_feature == 1,
                  "rows: without thresholds a feature gives one input");
    const lgnx::RowLayout layout{rows->features, rows->per_feature};
    const lgnx::PackPlan plan(schedule, layout);
    std::vector<char> planes;
    if (rows->thresholds)
      planes = lgnx::by_plane(layout, static_cast<const char*>(rows->thresholds), size);
    const lgnx::Thresholds thresholds{planes.data(), rows->strict != 0};
    lgnx::ScorePlan scores;
    if (groups) scores = lgnx::ScorePlan(schedule, scale);
    const char* x = static_cast<const char*>(rows->x);
    std::vector<char> out(rows->batch * (groups ? sizeof(int32_t) * groups : schedule.n_outputs));
    const lgnx::Batch work{schedule,
                           plan,
                           {x, type, layout, rows->thresholds ? &thresholds : nullptr,
                            x + rows->batch * rows->features * size},
                           groups ? &scores : nullptr,
                           rows->batch,
                           out.data(),
                           lgnx::choose_words(schedule, rows->batch)};
    lgnx::StageTimes times;
    for (uint64_t block = 0; block < work.blocks(); ++block) work.run(block, &times);
    seconds[0] = times.pack;
    seconds[1] = times.gates;
    seconds[2] = times.output;
  });
  return good ? 0 : 1;
}

const char* lgnx_simd(void) {
  try {
    return lgnx::kernels().name;
  } catch (const std::exception&) {
    return "unavailable";
  }
}
