// Compiled with the flags of AVX512 where the compiler has them; else this build has no such
// variant.
#include "kernels.h"

#if defined(__AVX512F__)
#include "kernels.inc.h"

namespace lgnx {

const Kernels* avx512_kernels() {
  static const Kernels table = LGNX_KERNELS("avx512");
  return &table;
}

}  // namespace lgnx
#else
namespace lgnx {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace lgnx
#endif
