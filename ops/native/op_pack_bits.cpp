#include <algorithm>
#include <cstring>

#include "engine.h"
#include "ort_api.h"
#include "scratch.h"

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
    const RowSource source{
        x.as<char>(), Type::kBool, {static_cast<uint64_t>(n), 1}, nullptr, x.as<char>() + x.size};
    constexpr uint64_t kTiles = 16;
    const uint64_t tiles = source.layout.tiles();
    const size_t stride = tile_stride(1);
    context.parallel_for(static_cast<size_t>(words), [&](size_t w) {
      uint64_t* tile = scratch(Scratch::kTiles, kTiles * stride);
      const uint64_t rows = std::min<uint64_t>(64, static_cast<uint64_t>(batch) - 64 * w);
      for (uint64_t first = 0; first < tiles; first += kTiles) {
        const uint64_t last = std::min(tiles, first + kTiles);
        if (rows < 64) std::fill_n(tile, (last - first) * stride, 0);
        k.row_masks(source, 64 * w, rows, first, last, tile, 1);
        for (uint64_t t = first; t < last; ++t) {
          uint64_t* bits = tile + (t - first) * stride;
          k.transpose(bits, 1);
          const uint64_t width = std::min<uint64_t>(64, static_cast<uint64_t>(n) - 64 * t);
          for (uint64_t j = 0; j < width; ++j)
            y[(64 * t + j) * static_cast<uint64_t>(words) + w] = bits[j];
        }
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
