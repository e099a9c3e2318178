// Group sums: the check of their attributes, the score of a count, and scores of whole programs.
#include <doctest/doctest.h>

#include "error.h"
#include "reference.h"
#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

Scale make_scale(uint32_t groups, Type type, float bias = 0, float tau = 1, float beta = 0) {
  Scale scale;
  scale.groups = groups;
  scale.type = type;
  scale.bias = bias;
  scale.tau = tau;
  scale.beta = beta;
  return scale;
}

std::string message(const Scale& scale) {
  try {
    check_scale(scale, 12);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

template <class T>
T score(const Scale& scale, uint32_t count) {
  T value;
  write_score(scale, count, reinterpret_cast<char*>(&value));
  return value;
}

// Every variant and length of lines against counts of the reference.
void check_scores(const std::vector<uint32_t>& words, const Scale& scale, uint64_t batch) {
  const Program program = parse(words);
  const size_t size = program.outputs.size() / scale.groups, bytes = type_size(scale.type);
  Random random(14);
  const std::vector<uint8_t> bits = random.bits(batch * program.n_inputs);
  std::vector<char> want(batch * scale.groups * bytes);
  char* at = want.data();
  for (uint64_t s = 0; s < batch; ++s) {
    const auto row = reference::outputs(words, bits.data() + s * program.n_inputs);
    for (uint32_t g = 0; g < scale.groups; ++g, at += bytes) {
      uint32_t count = 0;
      for (size_t i = 0; i < size; ++i) count += row[g * size + i];
      write_score(scale, count, at);
    }
  }
  for (const Kernels* k : variants())
    for (size_t line : kLineWords) {
      CAPTURE(k->name);
      CAPTURE(line);
      CAPTURE(type_name(scale.type));
      CAPTURE(scale.groups);
      CHECK(run_scores(*k, program, scale, bytes_source(program, bits), batch, line) == want);
    }
}

}  // namespace

TEST_CASE("attributes are checked") {
  const float inf = INFINITY;
  CHECK(message(make_scale(3, Type::kFloat, 0.5f, 2, -1)) == "accepted");
  CHECK(message(make_scale(12, Type::kInt32, -0x1p31f)) == "accepted");
  CHECK(message(make_scale(0, Type::kFloat)) == "attribute groups: must be at least 1");
  CHECK(message(make_scale(5, Type::kFloat)) ==
        "attribute groups: is 5, which does not divide 12 bits");
  CHECK(message(make_scale(3, Type::kFloat, 0, 0)) ==
        "attribute tau: is 0.000000, must be finite and greater than 0");
  CHECK(message(make_scale(3, Type::kFloat, 0, -1)) ==
        "attribute tau: is -1.000000, must be finite and greater than 0");
  CHECK(message(make_scale(3, Type::kFloat, 0, inf)) ==
        "attribute tau: is inf, must be finite and greater than 0");
  CHECK(message(make_scale(3, Type::kDouble, NAN)) == "attribute bias: must be finite");
  CHECK(message(make_scale(3, Type::kDouble, 0, 1, inf)) == "attribute beta: must be finite");
  CHECK(message(make_scale(3, Type::kInt32, 0, 2)) ==
        "attribute tau: must be 1 for integer scores");
  const std::string whole =
      "attributes bias and beta: must be whole numbers in range for integer scores";
  CHECK(message(make_scale(3, Type::kInt32, 0.5f)) == whole);
  CHECK(message(make_scale(3, Type::kInt32, 0x1p31f)) == whole);
  CHECK(message(make_scale(3, Type::kInt64, 0x1p31f)) == "accepted");
  CHECK(message(make_scale(3, Type::kInt64, 0, 1, 0x1p63f)) == whole);
  CHECK(message(make_scale(3, Type::kInt64, 0, 1, -0x1p63f)) == "accepted");
  for (Type type : {Type::kBool, Type::kUint8, Type::kFloat16, Type::kUndefined})
    CHECK(message(make_scale(3, type)) ==
          "attribute dtype: must be 1 (float), 11 (double), 6 (int32) or 7 (int64)");
}

TEST_CASE("each step of a score is rounded to its type") {
  CHECK(score<float>(make_scale(1, Type::kFloat, 0.1f, 3, 0.7f), 5) == (5 + 0.1f) / 3.0f + 0.7f);
  CHECK(score<double>(make_scale(1, Type::kDouble, 0.1f, 3, 0.7f), 5) ==
        (5 + double{0.1f}) / 3.0 + double{0.7f});
  CHECK(score<float>(make_scale(1, Type::kFloat), 16777217) == 16777216.0f);
  CHECK(score<int32_t>(make_scale(1, Type::kInt32, -7, 1, 3), 5) == 1);
  CHECK(score<int64_t>(make_scale(1, Type::kInt64, -0x1p40f, 1, 3), 5) == 8 - (int64_t{1} << 40));
  // Sums wrap.
  CHECK(score<int32_t>(make_scale(1, Type::kInt32, 0x1.fffffep30f), 200) == INT32_MIN + 72);
}

TEST_CASE("scores of every type and number of groups") {
  Random random(15);
  for (Type type : {Type::kFloat, Type::kDouble, Type::kInt32, Type::kInt64})
    for (uint32_t groups : {1, 2, 7, 8, 9, 30}) {
      const bool whole = type == Type::kInt32 || type == Type::kInt64;
      const Scale scale =
          make_scale(groups, type, whole ? -3 : 0.3f, whole ? 1 : 1.7f, whole ? 11 : -0.9f);
      for (uint32_t size : {1, 2, 3, 16, 100}) {
        const auto words = random_program(random, 20, 5, groups * size);
        check_scores(words, scale, 1 + random.below(200));
      }
    }
}

TEST_CASE("groups of outputs that are constant or the same") {
  for (uint32_t literal : {0u, 1u, 2u, 3u})
    for (uint32_t size : {1u, 15u, 16u, 17u, 64u, 255u, 256u, 600u})
      check_scores(encode(1, {}, std::vector<uint32_t>(3 * size, literal)),
                   make_scale(3, Type::kInt32), 65);
}

TEST_CASE("counts that need 16 and 32 bits") {
  Random random(16);
  for (uint32_t size : {300u, 66000u}) {
    std::vector<uint32_t> outputs;
    for (uint32_t i = 0; i < 5 * size; ++i) outputs.push_back(random.below(2 * 31));
    // A group that is all ones: the largest count.
    std::fill_n(outputs.begin(), size, 1);
    check_scores(encode(30, {}, outputs), make_scale(5, Type::kInt32), 3);
    check_scores(encode(30, {}, outputs), make_scale(5, Type::kDouble, 0.5f, 3), 3);
  }
}
