#include <algorithm>

#include "network.h"
#include "scale.h"

namespace lgnx::ort {
namespace {

class GroupSum : public Kernel {
 public:
  explicit GroupSum(const Info& info)
      : scale_(read_scale(info, static_cast<int64_t>(Type::kFloat))) {
    check_scale(scale_, scale_.groups);
  }

  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    require(x.type == Type::kBool && !x.shape.empty(),
            "input x: is " + x.describe() + ", must be bool with an axis of bits");
    const int64_t n = x.shape.back();
    check_scale(scale_, static_cast<uint64_t>(n));
    std::vector<int64_t> shape = x.shape;
    shape.back() = scale_.groups;
    int64_t rows = 1;
    for (size_t i = 0; i + 1 < x.shape.size(); ++i) rows *= x.shape[i];
    auto* y = static_cast<char*>(context.output(shape));
    const int64_t size = n / scale_.groups;
    const size_t bytes = type_size(scale_.type);
    constexpr int64_t kRows = 256;
    context.parallel_for(static_cast<size_t>((rows + kRows - 1) / kRows), [&](size_t b) {
      const int64_t start = static_cast<int64_t>(b) * kRows;
      for (int64_t r = start; r < std::min(rows, start + kRows); ++r)
        for (uint32_t g = 0; g < scale_.groups; ++g) {
          const uint8_t* bits = x.as<uint8_t>() + r * n + g * size;
          uint32_t count = 0;
          for (int64_t i = 0; i < size; ++i) count += bits[i] != 0;
          write_score(scale_, count, y + (r * scale_.groups + g) * bytes);
        }
    });
  }

 private:
  Scale scale_;
};

void infer(const Shapes& shapes) {
  Shapes::Shape x = shapes.input(0);
  if (!x.dims.empty()) {
    x.dims.back() = shapes.attribute("groups", -1);
    x.names.back() = "";
  }
  shapes.output(score_type(shapes, static_cast<int64_t>(Type::kFloat)), x);
}

}  // namespace

const Definition kGroupSum = {
    "GroupSum",
    1,
    0,
    Type::kUndefined,
    [](const Info& info) -> std::unique_ptr<Kernel> { return std::make_unique<GroupSum>(info); },
    infer};

}  // namespace lgnx::ort
