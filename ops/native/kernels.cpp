#include "kernels.h"

#include <cstdlib>
#include <string>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "error.h"

namespace lgnx {
namespace {

#if defined(__x86_64__) || defined(__i386__)
// Clang before 19 has no __builtin_cpu_supports("f16c").
bool has_f16c() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

const Kernels& select() {
  const char* wanted = std::getenv("LGNX_SIMD");
  const std::string name = wanted ? wanted : "";
  if (name == "portable") return portable_kernels();
  for (const Kernels* variant : {avx512_kernels(), avx2_kernels()})
    if (runs_here(variant) && (name.empty() || name == variant->name)) return *variant;
  require(name.empty(), "the environment variable LGNX_SIMD is '" + name +
                            "', which this machine or build does not have; allowed are "
                            "'portable' and, where they run, 'avx2' and 'avx512'");
  return portable_kernels();
}

}  // namespace

bool runs_here(const Kernels* variant) {
  if (!variant) return false;
  const std::string name = variant->name;
  if (name == "portable") return true;
#if defined(__x86_64__) || defined(__i386__)
  if (name == "avx512")
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  return __builtin_cpu_supports("avx2") && has_f16c();
#else
  return false;
#endif
}

const Kernels& kernels() {
  static const Kernels& chosen = select();
  return chosen;
}

}  // namespace lgnx
