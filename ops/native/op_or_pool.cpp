#include <algorithm>

#include "op_convolution.h"
#include "pool.h"

namespace lgnx::ort {
namespace {

constexpr WindowNames kAttributes = {"strides", "pads"};

class OrPool : public Kernel {
 public:
  explicit OrPool(const Info& info) : windows_(read_windows(info, kAttributes)) {}

  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    const std::vector<int64_t> sizes = spatial_sizes(x, windows_.axes());
    check_pool(windows_, sizes);
    const Pool pool(windows_, sizes);
    std::vector<int64_t> shape = {x.shape[0], x.shape[1]};
    for (int64_t extent : pool.extents()) shape.push_back(extent);
    check_output(shape);
    auto* y = static_cast<uint8_t*>(context.output(shape));
    const size_t channels = static_cast<size_t>(x.shape[0] * x.shape[1]);
    const size_t in = pool.in_bytes(), out = pool.out_bytes();
    const size_t each = pool.channels_together();
    const auto work = [&](size_t part) {
      const size_t first = part * each;
      pool.run(kernels(), x.as<uint8_t>() + first * in, std::min(each, channels - first),
               y + first * out);
    };
    with_memory(x, [&] { context.parallel_for((channels + each - 1) / each, work); });
  }

 private:
  WindowAttributes windows_;
};

}  // namespace

const Definition kOrPool = {
    "OrPool",
    1,
    0,
    Type::kBool,
    [](const Info& info) -> std::unique_ptr<Kernel> { return std::make_unique<OrPool>(info); },
    [](const Shapes& shapes) {
      const Shapes::Shape x = shapes.input(0);
      if (x.dims.size() > 1)
        infer_windows(shapes, kAttributes, slide_extent, x.dims[1], x.names[1]);
    }};

}  // namespace lgnx::ort
