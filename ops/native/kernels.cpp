#include "kernels.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "error.h"

namespace lgnx {
namespace {

bool runs_here(const char* feature) {
#if defined(__x86_64__) || defined(__i386__)
  return std::strcmp(feature, "avx512") == 0
             ? __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
             : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
#else
  (void)feature;
  return false;
#endif
}

const Kernels& select() {
  const char* wanted = std::getenv("LGNX_SIMD");
  const std::string name = wanted ? wanted : "";
  if (name == "portable") return portable_kernels();
  for (const Kernels* variant : {avx512_kernels(), avx2_kernels()})
    if (variant && runs_here(variant->name) && (name.empty() || name == variant->name))
      return *variant;
  require(name.empty(), "the environment variable LGNX_SIMD is '" + name +
                            "', which this machine or build does not have; allowed are "
                            "'portable' and, where they run, 'avx2' and 'avx512'");
  return portable_kernels();
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = select();
  return chosen;
}

}  // namespace lgnx
