// The functions of lgnx.h, with the kernels that the library chooses.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>

#include "lgnx.h"
#include "numbers.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

struct Free {
  void operator()(lgnx_program* program) const { lgnx_program_free(program); }
};
typedef std::unique_ptr<lgnx_program, Free> Loaded;

Loaded load(const std::vector<uint32_t>& words) {
  char error[256] = "";
  Loaded program(lgnx_program_load(words.data(), words.size(), error, sizeof error));
  CHECK(std::string(error) == "");
  REQUIRE(program);
  return program;
}

}  // namespace

TEST_CASE("the library uses the variant that is asked for, or the best") {
  const char* wanted = std::getenv("LGNX_SIMD");
  CHECK(std::string(lgnx_simd()) == (wanted ? wanted : variants().back()->name));
}

TEST_CASE("messages are cut to the buffer, which may be missing") {
  const std::string whole = "program, header: 0 words, must be at least 8";
  char error[256];
  CHECK(!lgnx_program_load(nullptr, 0, error, sizeof error));
  CHECK(error == whole);
  for (size_t size = 1; size < 60; ++size) {
    std::vector<char> buffer(size, 'x');  // of exactly its size
    CHECK(!lgnx_program_load(nullptr, 0, buffer.data(), size));
    CHECK(std::string(buffer.data()) == whole.substr(0, size - 1));
  }
  CHECK(!lgnx_program_load(nullptr, 0, nullptr, 0));
  CHECK(!lgnx_program_load(nullptr, 0, nullptr, 100));
  CHECK(!lgnx_program_load(nullptr, 0, error, 0));
  lgnx_program_free(nullptr);
  lgnx_netlist_free(nullptr);
}

TEST_CASE("batches of every length around those of words and blocks") {
  Random random(18);
  for (int i = 0; i < 40; ++i) {
    const auto words =
        random_program(random, random.below(150), random.below(12), 1 + random.below(130));
    const Loaded program = load(words);
    const uint32_t n_in = lgnx_program_inputs(program.get());
    const uint32_t n_out = lgnx_program_outputs(program.get());
    CHECK(n_in == words[2]);
    CHECK(n_out == words[6]);
    for (uint64_t batch : {0, 1, 2, 63, 64, 65, 256, 257, 512, 513, 1024, 1025, 2049}) {
      CAPTURE(batch);
      const std::vector<uint8_t> bits = random.bits(batch * n_in);
      std::vector<uint8_t> out(batch * n_out, 2);
      char error[256] = "";
      REQUIRE(
          !lgnx_program_run(program.get(), bits.data(), batch, out.data(), error, sizeof error));
      for (uint64_t s = 0; s < batch; s += s + 9 < batch ? 1 + batch / 8 : 1) {
        const auto want = reference::outputs(words, bits.data() + s * n_in);
        CHECK(std::memcmp(want.data(), out.data() + s * n_out, n_out) == 0);
      }
    }
  }
}

TEST_CASE("a profile takes rows of every type, in memory of exactly their size") {
  Random random(19);
  const uint32_t shapes[][2] = {{1, 1},  {3, 50}, {20, 3},  {33, 2},   {63, 1},
                                {64, 1}, {65, 1}, {100, 4}, {1100, 1}, {1030, 2}};
  for (Type type : kTypes) {
    if (type == Type::kFloat16) continue;
    for (const auto& [features, per_feature] : shapes) {
      CAPTURE(type_name(type));
      CAPTURE(features);
      const Loaded program = load(random_program(random, features * per_feature, 3, 12));
      const std::vector<char> limits = random_numbers(random, type, features * per_feature);
      for (uint64_t batch : {0, 1, 64, 65, 300, 520, 1030}) {
        const std::vector<char> x = random_numbers(random, type, batch * features);
        for (uint32_t groups : {0, 4}) {
          double seconds[3] = {-1, -1, -1};
          char error[256] = "";
          const lgnx_rows rows = {x.data(),      static_cast<int32_t>(type),
                                  features,      batch,
                                  limits.data(), per_feature,
                                  batch % 2 == 0};
          CHECK(!lgnx_program_profile(program.get(), &rows, groups, seconds, error, sizeof error));
          CHECK(std::string(error) == "");
          for (double each : seconds) CHECK(each >= 0);
        }
      }
    }
  }
}

TEST_CASE("rows that do not fit the program are refused") {
  const Loaded program = load(encode(6, {}, {2, 4, 6}));
  const auto message = [&](lgnx_rows rows, uint32_t groups) {
    char error[256] = "";
    double seconds[3];
    const int bad =
        lgnx_program_profile(program.get(), &rows, groups, seconds, error, sizeof error);
    CHECK((bad != 0) == (error[0] != 0));
    return std::string(error);
  };
  const uint64_t huge = uint64_t{1} << 63;
  const std::string misfit = "rows: do not give the inputs of the program";
  CHECK(message({nullptr, 2, 6, 0, nullptr, 1, 1}, 0) == "");
  CHECK(message({nullptr, 2, 7, 0, nullptr, 1, 1}, 0) == misfit);
  CHECK(message({nullptr, 2, 6, 0, nullptr, 0, 1}, 0) == misfit);
  CHECK(message({nullptr, 2, 4, 0, nullptr, 2, 1}, 0) == misfit);
  CHECK(message({nullptr, 2, 3, 0, nullptr, 2, 1}, 0) ==
        "rows: without thresholds a feature gives one input");
  CHECK(message({nullptr, 2, huge, 0, nullptr, 6, 1}, 0) == misfit);
  CHECK(message({nullptr, 2, 6, 0, nullptr, huge + 1, 1}, 0) == misfit);
  for (int32_t type : {0, 8, 10, 14, -1, 1 << 30})
    CHECK(message({nullptr, type, 6, 0, nullptr, 1, 1}, 0) == "rows: unsupported type");
  CHECK(message({nullptr, 2, 6, 0, nullptr, 1, 1}, 2) ==
        "attribute groups: is 2, which does not divide 3 bits");
}

TEST_CASE("a graph is optimized and read back") {
  const uint8_t kinds[] = {0, 1, 0};
  const uint32_t fanins[] = {2, 4, 2, 4, 6, 8}, outputs[] = {9, 10};
  char error[256] = "";
  lgnx_netlist* result =
      lgnx_netlist_optimize(2, 3, kinds, fanins, 2, outputs, error, sizeof error);
  REQUIRE(result);
  REQUIRE(lgnx_netlist_size(result) == 3);
  uint8_t new_kinds[3];
  uint32_t new_fanins[6], new_outputs[2];
  lgnx_netlist_read(result, new_kinds, new_fanins, new_outputs);
  lgnx_netlist_free(result);
  CHECK(std::memcmp(kinds, new_kinds, sizeof kinds) == 0);
  CHECK(std::memcmp(fanins, new_fanins, sizeof fanins) == 0);
  CHECK(std::memcmp(outputs, new_outputs, sizeof outputs) == 0);
  uint32_t levels[3];
  CHECK(!lgnx_netlist_levels(2, 3, fanins, levels, error, sizeof error));
  CHECK(levels[2] == 2);
}

TEST_CASE("a bad graph has a message") {
  const uint8_t kind = 0;
  const uint32_t late[2] = {2, 4}, output = 2;
  uint32_t level;
  char error[256] = "";
  const std::string want = "netlist: fan-in literal 4 is out of range: 2 variables exist there";
  CHECK(!lgnx_netlist_optimize(1, 1, &kind, late, 1, &output, error, sizeof error));
  CHECK(error == want);
  error[0] = 0;
  CHECK(lgnx_netlist_levels(1, 1, late, &level, error, sizeof error) != 0);
  CHECK(error == want);
}
