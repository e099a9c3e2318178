#include <algorithm>
#include <cstring>

#include "engine.h"
#include "ort_api.h"

namespace lgnx::ort {
namespace {

class PackBits : public Kernel {
 public:
  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    require(x.type == Type::kBool && x.shape.size() == 2,
            "input x: is " + x.describe() + ", must be bool of shape [B, N]");
    const int64_t batch = x.shape[0], n = x.shape[1], words = batch / 64 + (batch % 64 != 0);
    auto* y = static_cast<uint64_t*>(context.output({n, words}));
    if (!x.size) return;
    const Kernels& k = kernels();
    const RowSource source{x.as<char>(), Type::kBool, static_cast<uint64_t>(n),
                           static_cast<uint64_t>(n), nullptr};
    const size_t tiles = (n + 63) / 64;
    context.parallel_for(static_cast<size_t>(words), [&](size_t w) {
      std::vector<uint64_t> masks(64 * tiles, 0);
      const int64_t first = static_cast<int64_t>(w) * 64,
                    rows = std::min<int64_t>(64, batch - first);
      for (int64_t s = 0; s < rows; ++s) k.row_masks(source, first + s, &masks[s * tiles]);
      uint64_t tile[64];
      for (size_t t = 0; t < tiles; ++t) {
        for (size_t s = 0; s < 64; ++s) tile[s] = masks[s * tiles + t];
        k.transpose(tile);
        const int64_t width = std::min<int64_t>(64, n - static_cast<int64_t>(t) * 64);
        for (int64_t j = 0; j < width; ++j)
          y[(static_cast<int64_t>(t) * 64 + j) * words + static_cast<int64_t>(w)] = tile[j];
      }
    });
  }
};

void infer(const Shapes& shapes) {
  const Shapes::Shape x = shapes.input(0);
  if (x.dims.size() != 2) return;
  const int64_t words = x.dims[0] < 0 ? -1 : x.dims[0] / 64 + (x.dims[0] % 64 != 0);
  shapes.output(Type::kUint64, {{x.dims[1], words}, {x.names[1], ""}});
}

}  // namespace

const Definition kPackBits = {
    "PackBits",
    1,
    0,
    Type::kUint64,
    [](const Info&) -> std::unique_ptr<Kernel> { return std::make_unique<PackBits>(); },
    infer};

}  // namespace lgnx::ort
