#include "kernels.inc.h"

namespace lgnx {

const Kernels& portable_kernels() {
  static const Kernels table = LGNX_KERNELS("portable");
  return table;
}

}  // namespace lgnx
