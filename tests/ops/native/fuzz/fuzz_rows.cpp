// The input says the type, the shape and the numbers of a batch of rows, and which of their bits a
// program needs. Every variant gives the bits of the reference.
#include <cstring>

#include "fuzzing.h"
#include "lgnx.h"
#include "reference.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

constexpr Type kTypes[] = {Type::kFloat,  Type::kUint8,  Type::kInt8,   Type::kUint16,
                           Type::kInt16,  Type::kInt32,  Type::kInt64,  Type::kBool,
                           Type::kDouble, Type::kUint32, Type::kUint64, Type::kFloat16};

struct Rows {
  Type type;
  uint32_t features, per_feature;
  uint64_t batch;
  bool with_thresholds, strict;
  std::vector<char> x, limits;
  std::vector<uint32_t> outputs;  // literals of the inputs that are needed

  size_t limit_size() const { return type_size(reference::threshold_type(type)); }
  const char* limit(size_t i) const {
    return with_thresholds ? limits.data() + i * limit_size() : nullptr;
  }
  bool bit(uint64_t s, uint32_t i) const {
    const size_t at = (s * features + i / per_feature) * type_size(type);
    return reference::row_bit(type, x.data() + at, limit(i), strict);
  }
};

Rows decode(Bytes& bytes) {
  Rows rows;
  rows.type = kTypes[bytes.byte() % 12];
  const uint32_t flags = bytes.byte();
  rows.with_thresholds = flags & 1 || rows.type == Type::kFloat16;
  rows.strict = flags & 2;
  rows.features = 1 + bytes.pair() % (flags & 4 ? 1200 : 80);
  rows.per_feature = rows.with_thresholds && flags & 8 ? 1 + bytes.byte() % 70 : 1;
  rows.per_feature = std::min(rows.per_feature, 1 + 2400 / rows.features);
  rows.batch = bytes.pair() % (1 + (flags & 16 ? 1100 : 70));
  rows.batch = std::min<uint64_t>(rows.batch, 4000 / rows.features);
  const uint32_t n_inputs = rows.features * rows.per_feature, step = 1 + bytes.byte();
  const uint32_t first = bytes.pair() % n_inputs;
  rows.outputs.push_back(2 * (1 + first) + 1);
  for (uint32_t i = first; i < n_inputs; i += step) rows.outputs.push_back(2 * (1 + i));
  rows.limits = bytes.repeated(n_inputs * rows.limit_size());
  bytes.byte();  // so that numbers and thresholds differ
  rows.x = bytes.repeated(rows.batch * rows.features * type_size(rows.type));
  return rows;
}

void check_variants(const Rows& rows, const Program& program, size_t words) {
  const RowLayout layout{rows.features, rows.per_feature};
  const std::vector<char> planes = by_plane(layout, rows.limits.data(), rows.limit_size());
  const Thresholds thresholds{planes.data(), rows.strict};
  const RowSource source{rows.x.data(), rows.type, layout,
                         rows.with_thresholds ? &thresholds : nullptr,
                         rows.x.data() + rows.x.size()};
  std::vector<uint8_t> want;
  for (uint64_t s = 0; s < rows.batch; ++s)
    for (const uint32_t literal : rows.outputs)
      want.push_back(rows.bit(s, literal / 2 - 1) ^ (literal & 1));
  for (const Kernels* k : variants())
    must(run_bits(*k, program, source, rows.batch, words) == want, k->name);
}

void check_compare(const Rows& rows) {
  if (!rows.with_thresholds || !rows.batch) return;
  const uint32_t n_inputs = rows.features * rows.per_feature;
  for (const Kernels* k : variants()) {
    std::vector<uint8_t> out(n_inputs, 7);
    k->compare(rows.x.data(), rows.type, rows.limits.data(), rows.strict, rows.features,
               rows.per_feature, out.data());
    for (uint32_t i = 0; i < n_inputs; ++i) must(out[i] == rows.bit(0, i), "compare");
  }
}

void check_profile(const Rows& rows, const std::vector<uint32_t>& words, uint32_t groups) {
  char error[256] = "";
  lgnx_program* program = lgnx_program_load(words.data(), words.size(), error, sizeof error);
  must(program, error);
  lgnx_rows c = {rows.x.data(),
                 static_cast<int32_t>(rows.type),
                 rows.features,
                 rows.batch,
                 rows.with_thresholds ? rows.limits.data() : nullptr,
                 rows.per_feature,
                 rows.strict};
  double seconds[3];
  const bool good = rows.type != Type::kFloat16 && (!groups || rows.outputs.size() % groups == 0);
  const bool bad = lgnx_program_profile(program, &c, groups, seconds, error, sizeof error);
  must(bad != good && bad == (error[0] != 0), "a profile, or a message");
  c.features += 1 + groups;
  must(lgnx_program_profile(program, &c, 0, seconds, error, sizeof error), "rows of another shape");
  lgnx_program_free(program);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const uint32_t first = bytes.byte(), groups = first % 9;
  const size_t line = kLineWords[first / 64];
  const Rows rows = decode(bytes);
  const auto words = encode(rows.features * rows.per_feature, {}, rows.outputs);
  check_variants(rows, parse(words), line);
  check_compare(rows);
  check_profile(rows, words, groups);
  return 0;
}
