// The one exception of the native code: its message names what was given and what is allowed.
#pragma once
#include <stdexcept>
#include <string>

namespace lgnx {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool condition, const std::string& message) {
  if (!condition) throw Error(message);
}

}  // namespace lgnx
