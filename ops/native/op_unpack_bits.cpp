#include <algorithm>

#include "engine.h"
#include "ort_api.h"

namespace lgnx::ort {
namespace {

class UnpackBits : public Kernel {
 public:
  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    const int64_t batch = packed_batch(x, context.input(1)), n = x.shape[0], words = x.shape[1];
    auto* y = static_cast<uint8_t*>(context.output({batch, n}));
    if (!batch || !n) return;
    const uint64_t* lines = x.as<uint64_t>();
    const Kernels& k = kernels();
    context.parallel_for(static_cast<size_t>(words), [&](size_t w) {
      const int64_t first = static_cast<int64_t>(w) * 64,
                    rows = std::min<int64_t>(64, batch - first);
      alignas(64) uint64_t tile[tile_stride(1)];
      for (int64_t start = 0; start < n; start += 64) {
        const int64_t width = std::min<int64_t>(64, n - start);
        for (int64_t j = 0; j < 64; ++j)
          tile[j] = j < width ? lines[(start + j) * words + static_cast<int64_t>(w)] : 0;
        k.transpose(tile, 1);
        k.expand(tile, 1, false, static_cast<uint64_t>(rows), static_cast<uint64_t>(width),
                 y + first * n + start, static_cast<uint64_t>(n));
      }
    });
  }
};

void infer(const Shapes& shapes) {
  const Shapes::Shape x = shapes.input(0);
  if (x.dims.size() == 2) shapes.output(Type::kBool, {{-1, x.dims[0]}, {"", x.names[0]}});
}

}  // namespace

const Definition kUnpackBits = {
    "UnpackBits",
    2,
    0,
    Type::kBool,
    [](const Info&) -> std::unique_ptr<Kernel> { return std::make_unique<UnpackBits>(); },
    infer};

}  // namespace lgnx::ort
