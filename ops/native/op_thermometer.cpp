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
    if (!whole && !x.shape.empty())
      fill(context, x, ThresholdTable(t, x.shape), static_cast<uint64_t>(x.shape[0]), y);
    else
      fill(context, x, ThresholdTable(t, row), 1, y);
  }

 private:
  void fill(const Context& context, const Tensor& x, const ThresholdTable& table, uint64_t rows,
            uint8_t* y) const {
    const Kernels& k = kernels();
    // Pieces of about 64 kB of bits, whether the rows are many or one is long.
    constexpr uint64_t kBits = 1 << 16;
    const uint64_t n = table.features(), b = table.per_feature();
    const size_t size = type_size(x.type), threshold = x.type == Type::kFloat16 ? 4 : size;
    const uint64_t each = std::max<uint64_t>(1, std::min(n, kBits / b));  // features of a piece
    const uint64_t pieces = (n + each - 1) / each;
    const uint64_t together = std::max<uint64_t>(1, kBits / (n * b));  // rows of a piece
    context.parallel_for((rows + together - 1) / together * pieces, [&](size_t i) {
      const uint64_t from = i % pieces * each, count = std::min(each, n - from);
      const uint64_t first = i / pieces * together;
      for (uint64_t r = first; r < std::min(rows, first + together); ++r)
        k.compare(x.as<char>() + (r * n + from) * size, x.type,
                  table.values() + from * b * threshold, strict_, count, b, y + (r * n + from) * b);
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
