#include <algorithm>
#include <cstring>
#include <mutex>

#include "network.h"
#include "scale.h"

namespace lgnx::ort {
namespace {

class LogicNetwork : public Kernel {
 public:
  explicit LogicNetwork(const Info& info)
      : scale_(read_scale(info, static_cast<int64_t>(Type::kBool))),
        n_outputs_(info.attribute("n_outputs")) {
    const int64_t strict = info.attribute("strict", int64_t{1});
    require(strict == 0 || strict == 1,
            "attribute strict: is " + std::to_string(strict) + ", must be 0 or 1");
    strict_ = strict == 1;
    Tensor program;
    require(info.constant(1, &program), "input program: must be an initializer");
    require(program.type == Type::kUint32 && program.shape.size() == 1,
            "input program: is " + program.describe() + ", must be uint32 of rank 1");
    const Program parsed =
        parse_program(program.as<uint32_t>(), static_cast<uint64_t>(program.size));
    require(n_outputs_ == static_cast<int64_t>(parsed.outputs.size()),
            "attribute n_outputs: is " + std::to_string(n_outputs_) + ", the program has " +
                std::to_string(parsed.outputs.size()) + " outputs");
    if (scale_.groups)
      check_scale(scale_, parsed.outputs.size());
    else
      require(scale_.type == Type::kBool, "attribute dtype: must be 9 (bool) where groups is 0");
    schedule_ = lgnx::schedule(parsed, scale_.groups);
    if (scale_.groups) scores_ = ScorePlan(schedule_, scale_);
  }

  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    const bool packed = context.has_input(3), compares = context.has_input(2);
    Tensor t;
    if (packed) {
      if (compares) throw Error("input thresholds: is given together with batch");
      if (x.type != Type::kUint64 || x.shape.size() != 2)
        throw Error("input x: is " + x.describe() +
                    ", must be uint64 of shape [N, W] where batch is given");
    } else if (compares) {
      t = context.input(2);
      if (x.type != t.type)  // messages are made only where they are needed
        throw Error("x is " + x.describe() + ", thresholds are " + t.describe() +
                    ": they must be of one type");
      if (x.type == Type::kBool) throw Error("input x: is bool, which takes no thresholds");
    } else if (x.type == Type::kFloat || x.type == Type::kDouble || x.type == Type::kFloat16) {
      throw Error("input x: is " + x.describe() + ", which needs the input thresholds");
    }
    const uint64_t n = packed ? static_cast<uint64_t>(x.shape[0]) : features(x);
    const int64_t batch = packed ? packed_batch(x, context.input(3)) : x.shape[0];
    const std::shared_ptr<const Front> front = prepare(x, t, n, compares);
    const int64_t width = scale_.groups ? int64_t{scale_.groups} : n_outputs_;
    auto* y = static_cast<char*>(context.output({batch, width}));
    const uint64_t size = static_cast<uint64_t>(batch);
    const RowSource source{x.as<char>(),
                           x.type,
                           front->plan.layout(),
                           compares ? &front->thresholds : nullptr,
                           x.as<char>() + static_cast<size_t>(x.size) * type_size(x.type),
                           packed ? static_cast<uint64_t>(x.shape[1]) : 0};
    run_batch(context, {schedule_, front->plan, source, scale_.groups ? &scores_ : nullptr, size, y,
                        choose_words(schedule_, size)});
  }

 private:
  // What depends on the shape of x and on the thresholds.
  struct Front {
    PackPlan plan;
    std::vector<char> values;
    Thresholds thresholds;
  };

  // Spreading the thresholds over the bits costs as much as a small run, so it is done once; they
  // are constants in every sensible file, and compared by value in the others. `n` is the number
  // of features, or of packed rows.
  std::shared_ptr<const Front> prepare(const Tensor& x, const Tensor& t, uint64_t n,
                                       bool compares) {
    const size_t bytes = compares ? static_cast<size_t>(t.size) * type_size(t.type) : 0;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (front_ && front_->plan.layout().features == n &&
        (!compares || (features_.size() + 1 == x.shape.size() &&
                       std::equal(features_.begin(), features_.end(), x.shape.begin() + 1))) &&
        t.shape == shape_ && bytes == key_.size() &&
        (!bytes || !std::memcmp(t.data, key_.data(), bytes)))
      return front_;
    RowLayout layout{n, 1};
    std::vector<char> values;
    std::unique_ptr<ThresholdTable> table;
    if (compares) {
      table = std::make_unique<ThresholdTable>(t, x.shape);
      layout.per_feature = table->per_feature();
    }
    const uint64_t bits = layout.features * layout.per_feature;
    require(bits == schedule_.n_inputs, "input x: " + x.describe() + " gives " +
                                            std::to_string(bits) + " bits, the program takes " +
                                            std::to_string(schedule_.n_inputs));
    if (table) values = table->planes(layout);
    auto front = std::make_shared<Front>(
        Front{PackPlan(schedule_, layout), std::move(values), Thresholds{nullptr, strict_}});
    front->thresholds.values = front->values.data();
    front_ = front;
    features_.assign(x.shape.begin() + 1, x.shape.end());
    shape_ = t.shape;
    key_.assign(t.as<char>(), t.as<char>() + bytes);
    return front_;
  }

  Scale scale_;
  int64_t n_outputs_;
  bool strict_;
  Schedule schedule_;
  ScorePlan scores_;
  std::mutex mutex_;
  std::shared_ptr<const Front> front_;
  std::vector<int64_t> features_, shape_;
  std::vector<char> key_;
};

void infer(const Shapes& shapes) {
  const Shapes::Shape x = shapes.input(0);
  const int64_t groups = shapes.attribute("groups", 0);
  Shapes::Shape y{{-1, groups ? groups : shapes.attribute("n_outputs", -1)}, {"", ""}};
  if (!x.dims.empty() && !shapes.has_input(3)) {
    y.dims[0] = x.dims[0];
    y.names[0] = x.names[0];
  }
  shapes.output(score_type(shapes, static_cast<int64_t>(Type::kBool)), y);
}

}  // namespace

const Definition kLogicNetwork = {"LogicNetwork",
                                  4,
                                  2,
                                  Type::kUndefined,
                                  [](const Info& info) -> std::unique_ptr<Kernel> {
                                    return std::make_unique<LogicNetwork>(info);
                                  },
                                  infer};

}  // namespace lgnx::ort
