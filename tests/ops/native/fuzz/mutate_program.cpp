// Mutations of programs: half of them are repaired, so that they get past the checks of the counts;
// of those again half but for one field.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "program.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using lgnx::kMagic;
using lgnx::kMaxFanin;

enum Field { kHeader, kInputs, kCounts, kFanIn, kRunCount, kTable, kFanins, kOutputs };

// Makes the words a valid program, but for the field that is left as it is.
void repair(std::vector<uint32_t>& words, unsigned leave) {
  constexpr size_t kHeaderWords = 8, kRunWords = 4;
  if (words.size() < kHeaderWords + 1) words.resize(kHeaderWords + 1);
  if (leave != kHeader) {
    words[0] = kMagic;
    words[1] = lgnx::kProgramVersion;
    words[7] = 0;
  }
  if (leave != kInputs) words[2] %= 300;
  const size_t body = words.size() - kHeaderWords;  // at least one output
  const uint32_t n_runs = static_cast<uint32_t>(words[4] % (std::min<size_t>(body / 6, 64) + 1));
  const size_t operands = kHeaderWords + kRunWords * n_runs;
  size_t left = words.size() - operands - 1, at = operands;
  uint64_t wires = uint64_t{1} + words[2];
  const uint64_t inputs = wires;
  uint32_t runs = 0;
  for (; runs < n_runs; ++runs) {
    uint32_t* run = words.data() + kHeaderWords + kRunWords * runs;
    const uint32_t k = 1 + (run[0] - 1) % kMaxFanin;
    if (left < k) break;
    const uint32_t count = static_cast<uint32_t>(1 + (run[1] - 1) % std::min<size_t>(left / k, 64));
    if (leave != kFanIn) run[0] = k;
    if (leave != kRunCount) run[1] = count;
    if (leave != kTable) {
      if (k < 6) run[3] = 0;
      if (k < 5) run[2] &= (1u << (1u << k)) - 1;
    }
    for (uint32_t i = 0; i < k * count; ++i, ++at)
      if (leave != kFanins && words[at] >= wires)
        words[at] = static_cast<uint32_t>(words[at] % wires);
    left -= size_t{k} * count;
    wires += count;
  }
  // Runs that have no fan-ins left go.
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(kHeaderWords + kRunWords * runs),
              words.begin() + static_cast<std::ptrdiff_t>(operands));
  at -= operands - (kHeaderWords + kRunWords * runs);
  if (leave != kOutputs)
    for (size_t i = at; i < words.size(); ++i)
      words[i] = static_cast<uint32_t>(words[i] % (2 * wires));
  if (leave == kCounts) return;
  words[3] = static_cast<uint32_t>(wires - inputs);
  words[4] = runs;
  words[5] = static_cast<uint32_t>(at - (kHeaderWords + kRunWords * runs));
  words[6] = static_cast<uint32_t>(words.size() - at);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed & 1 || max_size < 64) return size;
  std::vector<uint32_t> words(size / 4);
  if (!words.empty()) std::memcpy(words.data(), data, 4 * words.size());
  repair(words, seed >> 1 & 15);
  std::memcpy(data, words.data(), 4 * words.size());
  return 4 * words.size();
}
