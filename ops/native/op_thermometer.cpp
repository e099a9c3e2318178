#include <algorithm>

#include "network.h"

namespace lgnx::ort {
namespace {

class ThermometerKernel : public Kernel {
 public:
  explicit ThermometerKernel(const Info& info) {
    const int64_t strict = info.attribute("strict", int64_t{1});
    require(strict == 0 || strict == 1,
            "attribute strict: is " + std::to_string(strict) + ", must be 0 or 1");
    strict_ = strict == 1;
  }

  void compute(const Context& context) override {
    const Tensor x = context.input(0), t = context.input(1);
    require(x.type == t.type, "x is " + x.describe() + ", thresholds are " + t.describe() +
                                  ": they must be of one type");
    require(x.type != Type::kBool && type_size(x.type),
            "input x: is " + x.describe() + ", must be floats or integers");
    require(!t.shape.empty(), "input thresholds: is a scalar, must have an axis of thresholds");
    std::vector<int64_t> shape = x.shape;
    shape.push_back(t.shape.back());
    auto* y = static_cast<uint8_t*>(context.output(shape));
    // An axis of size 1 in front lets the whole of x be one sample, so that thresholds may vary
    // along every axis of x.
    std::vector<int64_t> row = x.shape;
    row.insert(row.begin(), 1);
    const bool whole = t.shape.size() == row.size();
    if (!x.size || !t.shape.back()) return;
    if (!whole && !x.shape.empty()) {
      const ThresholdTable table(t, x.shape, strict_);
      const uint64_t n = static_cast<uint64_t>(x.size / x.shape[0]);
      fill(context, {x.as<char>(), x.type, n, n * table.view().per_feature, &table.view()},
           static_cast<uint64_t>(x.shape[0]), y);
    } else {
      const ThresholdTable table(t, row, strict_);
      const uint64_t n = static_cast<uint64_t>(x.size);
      fill(context, {x.as<char>(), x.type, n, n * table.view().per_feature, &table.view()}, 1, y);
    }
  }

 private:
  static void fill(const Context& context, const RowSource& source, uint64_t rows, uint8_t* y) {
    const Kernels& k = kernels();
    constexpr uint64_t kRows = 256;
    context.parallel_for((rows + kRows - 1) / kRows, [&](size_t b) {
      std::vector<uint64_t> masks((source.bits + 63) / 64);
      for (uint64_t s = b * kRows; s < std::min(rows, (b + 1) * kRows); ++s) {
        k.row_masks(source, s, masks.data());
        uint8_t* out = y + s * source.bits;
        for (uint64_t i = 0; i < source.bits; ++i) out[i] = masks[i / 64] >> i % 64 & 1;
      }
    });
  }

  bool strict_;
};

void infer(const Shapes& shapes) {
  Shapes::Shape x = shapes.input(0);
  const Shapes::Shape t = shapes.input(1);
  if (t.dims.empty()) return;
  x.dims.push_back(t.dims.back());
  x.names.push_back(t.names.back());
  shapes.output(Type::kBool, x);
}

}  // namespace

const Definition kThermometer = {"Thermometer",
                                 2,
                                 0,
                                 Type::kBool,
                                 [](const Info& info) -> std::unique_ptr<Kernel> {
                                   return std::make_unique<ThermometerKernel>(info);
                                 },
                                 infer};

}  // namespace lgnx::ort
