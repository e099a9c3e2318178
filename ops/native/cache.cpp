#include "cache.h"

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace lgnx {

size_t second_level_cache() {
  static const size_t size = [] {
#if defined(_SC_LEVEL2_CACHE_SIZE)
    const long found = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (found > 0) return static_cast<size_t>(found);
#endif
    return size_t{512} << 10;
  }();
  return size;
}

}  // namespace lgnx
