#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "network.h"

namespace lgnx::ort {
namespace {

constexpr int64_t kMaxInputs = 16;

// Indices and tables, checked.
struct Layer {
  int64_t n = 0, k = 0, table_bytes = 0;
  std::vector<uint32_t> indices;  // [n][k]
  std::vector<uint8_t> tables;    // [n][table_bytes]
  uint32_t largest = 0;

  Layer(const Tensor& i, const Tensor& t) {
    require((i.type == Type::kInt32 || i.type == Type::kUint16) && i.shape.size() == 2,
            "input indices: is " + i.describe() + ", must be int32 or uint16 of shape [N, k]");
    n = i.shape[0];
    k = i.shape[1];
    require(k >= 1 && k <= kMaxInputs,
            "input indices: k is " + std::to_string(k) + ", must be 1 to 16");
    table_bytes = std::max<int64_t>(1, (int64_t{1} << k) / 8);
    require(t.type == Type::kUint8 && t.shape == std::vector<int64_t>({n, table_bytes}),
            "input tables: is " + t.describe() + ", must be uint8 of shape " +
                format_shape({n, table_bytes}));
    indices.resize(static_cast<size_t>(i.size));
    for (int64_t j = 0; j < i.size; ++j) {
      const int64_t value = i.type == Type::kInt32 ? i.as<int32_t>()[j] : i.as<uint16_t>()[j];
      if (value < 0)
        throw Error("input indices: holds " + std::to_string(value) + ", must not be negative");
      indices[j] = static_cast<uint32_t>(value);
      largest = std::max(largest, indices[j]);
    }
    tables.assign(t.as<uint8_t>(), t.as<uint8_t>() + t.size);
  }

  uint64_t table(int64_t row) const {
    uint64_t value = 0;
    for (int64_t b = 0; b < table_bytes; ++b)
      value |= uint64_t{tables[row * table_bytes + b]} << 8 * b;
    return value & table_mask(static_cast<uint32_t>(k));
  }

  void check_width(int64_t width) const {
    require(indices.empty() || int64_t{largest} < width, "input indices: holds " +
                                                             std::to_string(largest) + ", x has " +
                                                             std::to_string(width) + " bits");
  }
};

// The layer as a program: one run for each function.
Schedule compile(const Layer& layer, int64_t width) {
  std::map<uint64_t, std::vector<uint32_t>> rows;
  for (int64_t r = 0; r < layer.n; ++r) rows[layer.table(r)].push_back(static_cast<uint32_t>(r));
  Program program;
  program.n_inputs = static_cast<uint32_t>(width);
  program.n_gates = static_cast<uint32_t>(layer.n);
  program.outputs.resize(static_cast<size_t>(layer.n));
  program.words.reserve(layer.indices.size());
  uint32_t wire = 1 + program.n_inputs;
  for (const auto& [table, members] : rows) {
    const uint32_t* fanins = program.words.data() + program.words.size();
    for (uint32_t r : members) {
      for (int64_t i = 0; i < layer.k; ++i)
        program.words.push_back(1 + layer.indices[r * layer.k + i]);
      program.outputs[r] = 2 * wire++;
    }
    program.runs.push_back(
        {static_cast<uint32_t>(layer.k), static_cast<uint32_t>(members.size()), table, fanins});
  }
  return schedule(program, 0);
}

class LogicDense : public Kernel {
 public:
  explicit LogicDense(const Info& info) {
    Tensor indices, tables;
    if (info.constant(1, &indices) && info.constant(2, &tables)) layer_.emplace(indices, tables);
  }

  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    require(x.type == Type::kBool && !x.shape.empty(),
            "input x: is " + x.describe() + ", must be bool with an axis of bits");
    std::optional<Layer> fresh;
    if (!layer_) fresh.emplace(context.input(1), context.input(2));
    const Layer& layer = layer_ ? *layer_ : *fresh;
    const int64_t width = x.shape.back();
    layer.check_width(width);
    std::vector<int64_t> shape = x.shape;
    shape.back() = layer.n;
    int64_t rows = 1;
    for (size_t i = 0; i + 1 < x.shape.size(); ++i) rows *= x.shape[i];
    auto* y = static_cast<uint8_t*>(context.output(shape));
    if (!rows || !layer.n) return;
    if (!layer_ || layer.k > static_cast<int64_t>(kMaxFanin))
      return look_up(context, layer, x, rows, y);
    const std::shared_ptr<const Compiled> compiled = compile_for(width);
    const uint64_t batch = static_cast<uint64_t>(rows);
    run_batch(context,
              {compiled->schedule,
               compiled->plan,
               {x.as<char>(), Type::kBool, compiled->plan.layout(), nullptr, x.as<char>() + x.size},
               nullptr,
               batch,
               reinterpret_cast<char*>(y),
               choose_words(compiled->schedule, batch)});
  }

 private:
  struct Compiled {
    Schedule schedule;
    PackPlan plan;
  };

  std::shared_ptr<const Compiled> compile_for(int64_t width) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!compiled_ || compiled_->schedule.n_inputs != width) {
      Schedule schedule = compile(*layer_, width);
      PackPlan plan(schedule, {static_cast<uint64_t>(width), 1});
      compiled_ = std::make_shared<Compiled>(Compiled{std::move(schedule), std::move(plan)});
    }
    return compiled_;
  }

  // Wide tables, and tables that are known only now: each output by itself.
  static void look_up(const Context& context, const Layer& layer, const Tensor& x, int64_t rows,
                      uint8_t* y) {
    const int64_t width = x.shape.back();
    constexpr int64_t kRows = 64;
    context.parallel_for(static_cast<size_t>((rows + kRows - 1) / kRows), [&](size_t b) {
      const int64_t start = static_cast<int64_t>(b) * kRows;
      for (int64_t r = start; r < std::min(rows, start + kRows); ++r) {
        const uint8_t* bits = x.as<uint8_t>() + r * width;
        for (int64_t j = 0; j < layer.n; ++j) {
          uint32_t address = 0;
          for (int64_t i = 0; i < layer.k; ++i)
            address |= uint32_t{bits[layer.indices[j * layer.k + i]] != 0} << i;
          y[r * layer.n + j] = layer.tables[j * layer.table_bytes + address / 8] >> address % 8 & 1;
        }
      }
    });
  }

  std::optional<Layer> layer_;
  std::mutex mutex_;
  std::shared_ptr<const Compiled> compiled_;
};

void infer(const Shapes& shapes) {
  Shapes::Shape x = shapes.input(0);
  const Shapes::Shape indices = shapes.input(1);
  if (x.dims.empty() || indices.dims.size() != 2) return;
  x.dims.back() = indices.dims[0];
  x.names.back() = indices.names[0];
  shapes.output(Type::kBool, x);
}

}  // namespace

const Definition kLogicDense = {
    "LogicDense",
    3,
    0,
    Type::kBool,
    [](const Info& info) -> std::unique_ptr<Kernel> { return std::make_unique<LogicDense>(info); },
    infer};

}  // namespace lgnx::ort
