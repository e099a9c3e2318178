#include <algorithm>
#include <numeric>

#include "engine.h"
#include "ort_api.h"

namespace lgnx::ort {
namespace {

class BitCount : public Kernel {
 public:
  explicit BitCount(int64_t groups) : groups_(groups) {
    require(groups >= 1, "attribute groups: is " + std::to_string(groups) + ", must be at least 1");
  }

  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    const int64_t batch = packed_batch(x, context.input(1)), n = x.shape[0], words = x.shape[1];
    require(n % groups_ == 0, "attribute groups: is " + std::to_string(groups_) +
                                  ", which does not divide " + std::to_string(n) + " bits");
    auto* y = static_cast<int32_t*>(context.output({batch, groups_}));
    const int64_t size = n / groups_;
    if (!batch) return;
    const Kernels& k = kernels();
    context.parallel_for(static_cast<size_t>(words), [&](size_t w) {
      // The rows of one word lie `words` apart; copied together they are lines of one word.
      const size_t n_lines =
          (static_cast<size_t>(size) + kCountedTogether - 1) / kCountedTogether * kCountedTogether;
      std::vector<uint64_t> lines(n_lines, 0);
      std::vector<uint32_t> slots(n_lines);
      std::iota(slots.begin(), slots.end(), 0);
      size_t n_planes = 0;
      while (size >> n_planes) ++n_planes;
      const int64_t first = static_cast<int64_t>(w) * 64,
                    samples = std::min<int64_t>(64, batch - first);
      for (int64_t g = 0; g < groups_; ++g) {
        for (int64_t i = 0; i < size; ++i)
          lines[i] = x.as<uint64_t>()[(g * size + i) * words + static_cast<int64_t>(w)];
        alignas(64) uint64_t counts[64] = {};  // planes; transposed, a count for each sample
        k.count(slots.data(), slots.size(), 0, lines.data(), 1, counts, n_planes);
        k.transpose(counts, 1);
        for (int64_t s = 0; s < samples; ++s)
          y[(first + s) * groups_ + g] = static_cast<int32_t>(counts[s]);
      }
    });
  }

 private:
  int64_t groups_;
};

void infer(const Shapes& shapes) {
  shapes.output(Type::kInt32, {{-1, shapes.attribute("groups", -1)}, {"", ""}});
}

}  // namespace

const Definition kBitCount = {"BitCount",
                              2,
                              0,
                              Type::kInt32,
                              [](const Info& info) -> std::unique_ptr<Kernel> {
                                return std::make_unique<BitCount>(info.attribute("groups"));
                              },
                              infer};

}  // namespace lgnx::ort
