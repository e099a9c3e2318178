// Compiled with the flags of AVX2 where the compiler has them; else this build has no such variant.
#include "kernels.h"

#if defined(__AVX2__)
#include "kernels.inc.h"

namespace lgnx {

const Kernels* avx2_kernels() {
  static const Kernels table = LGNX_KERNELS("avx2");
  return &table;
}

}  // namespace lgnx
#else
namespace lgnx {

const Kernels* avx2_kernels() { return nullptr; }

}  // namespace lgnx
#endif
