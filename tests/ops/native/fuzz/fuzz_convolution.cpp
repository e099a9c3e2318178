// The input says a layer of trees over windows, or a pooling, and the bits of a batch. Attributes
// may be anything: what is not refused gives, in every variant, the bits of the reference.
#include <cstring>

#include "convolving.h"
#include "error.h"
#include "fuzzing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

// The largest layer that is run.
constexpr int64_t kMostBits = 1 << 13;

// Mostly small numbers, at times any.
int64_t number(Bytes& bytes, int64_t least) {
  const uint32_t byte = bytes.byte();
  if (byte < 240) return least + byte % 6;
  if (byte < 248) return least + static_cast<int64_t>(bytes.pair() % 300);
  int64_t any = 0;
  const std::vector<char> eight = bytes.repeated(8);
  std::memcpy(&any, eight.data(), 8);
  bytes.byte();
  return byte < 252 ? any : any >> 33;
}

std::vector<int64_t> numbers(Bytes& bytes, size_t n, int64_t least) {
  std::vector<int64_t> result;
  for (size_t i = 0; i < n; ++i) result.push_back(number(bytes, least));
  return result;
}

// Ones that fit x, or any.
Convolving decode(Bytes& bytes, uint32_t flags) {
  Convolving layer;
  const size_t d = bytes.byte() % 4;
  reference::Windows& w = layer.windows;
  w.transposed = flags & 1;
  w.kernel_shape = numbers(bytes, d, 1);
  w.strides = flags & 2 ? numbers(bytes, d, 1) : std::vector<int64_t>(d, 1);
  w.dilations = flags & 4 ? numbers(bytes, d, 1) : std::vector<int64_t>(d, 1);
  w.pads = flags & 8 ? numbers(bytes, 2 * d, 0) : std::vector<int64_t>(2 * d, 0);
  w.output_padding = flags & 16 && w.transposed ? numbers(bytes, d, 0) : std::vector<int64_t>(d, 0);
  layer.sizes = numbers(bytes, d, 1);
  for (int64_t& size : layer.sizes) size = std::max<int64_t>(0, size);
  layer.channels = 1 + bytes.byte() % 5;
  layer.batch = bytes.byte() % 70;
  return layer;
}

// Whether a layer may be run; false where it is refused or large.
bool is_good(const Convolving& layer, bool pools) {
  const WindowAttributes a = attributes(layer.windows);
  try {
    check_entries(a);
    (pools ? check_pool : layer.windows.transposed ? check_spread : check_slide)(a, layer.sizes);
  } catch (const Error&) {
    return false;
  }
  const int64_t batch = std::max<int64_t>(1, layer.batch);
  int64_t bits = batch * layer.channels, positions = batch;
  for (size_t i = 0; i < layer.sizes.size(); ++i) {
    bits = saturated(bits, layer.sizes[i]);
    positions = saturated(positions, layer.windows.extent(layer.sizes[i], i));
  }
  positions = saturated(positions, pools ? saturated(layer.channels, a.volume()) : 1);
  return bits <= kMostBits && positions <= kMostBits;
}

// Trees that read bits of a window of so many.
Trees decode_trees(Bytes& bytes, int64_t width) {
  constexpr int64_t kShapes[][2] = {{1, 1}, {1, 3}, {2, 1}, {2, 2}, {2, 3}, {3, 2},
                                    {4, 1}, {6, 1}, {4, 2}, {7, 1}, {8, 1}, {8, 2}};
  const auto& [k, depth] = kShapes[bytes.byte() % 12];
  const uint32_t n = 1 + bytes.byte() % 5;
  Random random(bytes.pair());
  return random_trees(random, n, k, depth, width);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const uint32_t flags = bytes.byte();
  const bool pools = flags & 32 && !(flags & 1);
  Convolving layer = decode(bytes, flags);
  if (pools) layer.windows.dilations.assign(layer.sizes.size(), 1);
  if (!is_good(layer, pools)) return 0;
  const int64_t width = saturated(layer.channels, attributes(layer.windows).volume());
  layer.trees = decode_trees(bytes, std::min<int64_t>(width, 1 << 30));
  const std::vector<char> x = bytes.repeated(
      static_cast<size_t>(layer.batch * layer.channels * reference::product(layer.sizes)));
  layer.x.assign(x.begin(), x.end());
  if (!pools) {
    if (saturated(layer.batch, layer.trees.n * layer.trees.leaves()) > kMostBits) return 0;
    std::vector<uint8_t> want = layer.expected();
    for (const Kernels* k : variants()) {
      try {
        must(layer.run(*k) == want, "a convolution");
      } catch (const Error&) {  // a grid that is too large
      }
    }
    return 0;
  }
  const int64_t n = layer.batch * layer.channels;
  const std::vector<uint8_t> want = reference::pool(layer.windows, layer.x, n, layer.sizes);
  const Pool pool(attributes(layer.windows), layer.sizes);
  for (const Kernels* k : variants()) {
    std::vector<uint8_t> y(want.size(), 7);
    pool.run(*k, layer.x.data(), static_cast<size_t>(n), y.data());
    must(y == want, "a pooling");
  }
  return 0;
}
