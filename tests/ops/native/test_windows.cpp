// Attributes of windows: what is refused, extents, and which bit of x an entry reads.
#include <doctest/doctest.h>

#include "convolving.h"
#include "error.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

WindowAttributes window(const std::vector<int64_t>& kernel_shape) {
  return WindowAttributes(kernel_shape);
}

std::string refusal(const WindowAttributes& a, const std::vector<int64_t>& sizes,
                    void (*fits)(const WindowAttributes&, const std::vector<int64_t>&)) {
  try {
    check_entries(a);
    fits(a, sizes);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("entries are refused by name") {
  const auto refused = [](const WindowAttributes& a) { return refusal(a, {9, 9}, check_slide); };
  WindowAttributes a = window({3, 2});
  CHECK(refused(a) == "");
  CHECK(refused(window({})) == "attribute kernel_shape: has 0 entries, must have 1 to 3");
  CHECK(refused(window({1, 1, 1, 1})) == "attribute kernel_shape: has 4 entries, must have 1 to 3");
  CHECK(refused(window({3, 0})) == "attribute kernel_shape: holds 0, must not be less than 1");
  CHECK(refused(window({3, kHuge})) ==
        "attribute kernel_shape: holds 9223372036854775807, must not be more than 2147483647");
  a.strides = {1};
  CHECK(refused(a) == "attribute strides: has 1 entries, must have 2");
  a.strides = {1, -kHuge - 1};
  CHECK(refused(a) == "attribute strides: holds -9223372036854775808, must not be less than 1");
  a = window({3, 2});
  a.pads = {0, 0, -1, 0};
  CHECK(refused(a) == "attribute pads: holds -1, must not be less than 0");
  a.pads = {0, 0};
  CHECK(refused(a) == "attribute pads: has 2 entries, must have 4");
  a = window({3, 2});
  a.dilations = {};
  CHECK(refused(a) == "attribute dilations: has 0 entries, must have 2");
  a.dilations = {1, 0};
  CHECK(refused(a) == "attribute dilations: holds 0, must not be less than 1");
  a = window({3, 2});
  a.output_padding = {0, -1};
  CHECK(refused(a) == "attribute output_padding: holds -1, must not be less than 0");
}

TEST_CASE("windows that do not fit are refused") {
  WindowAttributes a = window({3, 2});
  a.dilations = {5, 1};
  a.pads = {0, 0, 1, 0};
  CHECK(refusal(a, {10, 2}, check_slide) == "");
  CHECK(refusal(a, {9, 2}, check_slide) ==
        "attribute kernel_shape: a window of 11 bits does not fit along axis 2 of x, which has 9 "
        "bits and 0 + 1 of padding");
  a = window({3});
  a.pads = {2, 3};
  CHECK(refusal(a, {5}, check_spread) ==
        "attribute pads: holds 3 along axis 0, must not be more than 2, the window less one bit");
  a.pads = {2, 2};
  CHECK(refusal(a, {3}, check_spread) == "");
  CHECK(refusal(a, {2}, check_spread) == "attribute pads: leave no output of the 2 bits of axis 0");
  a.output_padding = {1};
  CHECK(refusal(a, {3}, check_spread) ==
        "attribute output_padding: is 1 along axis 0, must be less than the stride, 1");
  a = window({2});
  a.pads = {0, 2};
  CHECK(refusal(a, {5}, check_pool) ==
        "attribute pads: holds 2 along axis 0, must be less than the kernel's 2");
}

TEST_CASE("the largest attributes do not overflow") {
  const int64_t most = 2147483647;
  WindowAttributes a = window({most, most, most});
  a.strides = a.dilations = a.output_padding = {most, most, most};
  a.pads = {most, most, most, most, most, most};
  CHECK(refusal(a, {most, 1, 0}, check_slide).find("does not fit along axis 2") !=
        std::string::npos);
  CHECK(refusal(a, {most, 1, 0}, check_spread).find("must be less than the stride") !=
        std::string::npos);
  CHECK(refusal(window({1}), {most + 1}, check_slide) ==
        "input x: has 2147483648 bits along axis 2, must not have more than 2147483647");
  CHECK(spread_extent(most, a, 0) > 0);
  CHECK(a.volume() == kHuge);
  CHECK(saturated(kHuge, 0) == 0);
  CHECK(saturated(0, kHuge) == 0);
  CHECK(saturated(1 << 20, int64_t{1} << 42) == int64_t{1} << 62);
  CHECK(saturated(1 << 20, int64_t{1} << 43) == kHuge);
}

TEST_CASE("axes read what their windows say") {
  Random random(21);
  for (int i = 0; i < 400; ++i) {
    const bool transposed = i % 2;
    const Convolving layer = random_windows(random, 1, i % 3 ? 30 : 5, transposed);
    const WindowAttributes a = attributes(layer.windows);
    const int64_t size = layer.sizes[0];
    const WindowAxis axis =
        transposed ? WindowAxis::spread(size, a, 0) : WindowAxis::slide(size, a, 0);
    REQUIRE(axis.extent() == layer.windows.extent(size, 0));
    REQUIRE(axis.extent() == (transposed ? spread_extent : slide_extent)(size, a, 0));
    REQUIRE(axis.grid() >= axis.outputs(0));
    for (int64_t e = 0; e < axis.extent(); ++e)
      for (int64_t w = 0; w < a.kernel_shape[0]; ++w) {
        const int64_t phase = e % axis.spacing(), position = e / axis.spacing();
        REQUIRE(phase < axis.phases());
        REQUIRE(position < axis.outputs(phase));
        const WindowAxis::Reading r = axis.read(phase, w);
        int64_t at = -1;
        if (r.first <= position && position < r.last) {
          REQUIRE(position + r.shift >= 0);
          REQUIRE(position + r.shift < axis.grid());
          at = axis.step() * (position + r.shift) + r.origin;
        }
        REQUIRE(at == layer.windows.at(size, 0, e, w));
      }
  }
}
