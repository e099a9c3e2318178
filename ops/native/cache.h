// Sizes of this machine's caches.
#pragma once
#include <cstddef>

namespace lgnx {

size_t second_level_cache();  // bytes of one core; 512 KiB where the system does not tell

}  // namespace lgnx
