// Memory of a thread that is kept from one block to the next: allocating it costs more than a
// small run.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lgnx {

enum class Scratch { kLines, kTiles, kPlanes, kStrips, kCount };

// At least `words` words, aligned to a cache line, with any content. Valid until the next call for
// the same use in this thread. Throws std::bad_alloc.
uint64_t* scratch(Scratch use, size_t words);

}  // namespace lgnx
