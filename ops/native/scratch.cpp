#include "scratch.h"

#include <memory>
#include <new>

namespace lgnx {
namespace {

constexpr std::align_val_t kAlignment{64};
// More than this is given back: a large network must not hold its memory in every thread.
constexpr size_t kKeptWords = size_t{4} << 20;

struct Memory {
  uint64_t* data = nullptr;
  size_t words = 0;
  ~Memory() { ::operator delete(data, kAlignment); }
};

}  // namespace

uint64_t* scratch(Scratch use, size_t words) {
  thread_local Memory memory[static_cast<size_t>(Scratch::kCount)];
  Memory& m = memory[static_cast<size_t>(use)];
  if (words > m.words || (m.words > kKeptWords && words < m.words / 2)) {
    ::operator delete(m.data, kAlignment);
    m.data = nullptr;
    m.words = 0;
    m.data = static_cast<uint64_t*>(::operator new(words * sizeof(uint64_t), kAlignment));
    m.words = words;
  }
  return m.data;
}

}  // namespace lgnx
