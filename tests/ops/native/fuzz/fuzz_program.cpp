// The input is a program. It is refused with a message, or runs as its gates say.
#include <algorithm>
#include <cstring>

#include "fuzzing.h"
#include "lgnx.h"
#include "reference.h"

using namespace lgnx;
using namespace lgnx::testing;

namespace {

void run(const lgnx_program* program, const std::vector<uint32_t>& words, Random& random) {
  const size_t n_in = lgnx_program_inputs(program), n_out = lgnx_program_outputs(program);
  const uint64_t batches[] = {1, 1, 64, 65, 65, 257, 513, 1025};
  const uint64_t batch = batches[random.below(8)];
  const std::vector<uint8_t> bits = random.bits(batch * n_in);
  std::vector<uint8_t> out(batch * n_out, 2);
  char error[256] = "";
  must(!lgnx_program_run(program, bits.data(), batch, out.data(), error, sizeof error), error);
  for (const uint8_t bit : out) must(bit <= 1, "every output is written");
  // The first and the last sample, and some between.
  for (uint64_t s = 0; s < batch; s = s + 1 < batch ? std::min(s + 61, batch - 1) : batch) {
    const auto want = reference::outputs(words, bits.data() + s * n_in);
    must(!std::memcmp(want.data(), out.data() + s * n_out, n_out), "an output");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint32_t> words(size / 4);
  if (!words.empty()) std::memcpy(words.data(), data, 4 * words.size());
  char error[256] = "";
  lgnx_program* program = lgnx_program_load(words.data(), words.size(), error, sizeof error);
  must(!program == (error[0] != 0), "a message, or a program");
  if (!program) return 0;
  // The rest takes long for programs that ask for many inputs.
  if (lgnx_program_inputs(program) <= 4096 && words.size() <= 8192) {
    Random random(seed(data, size));
    run(program, words, random);
  }
  lgnx_program_free(program);
  return 0;
}
