// What LogicConv and LogicConvTranspose have in common.
#pragma once
#include <initializer_list>
#include <new>

#include "ort_api.h"
#include "windows.h"

namespace lgnx::ort {

// The attributes that an operator has besides kernel_shape.
using WindowNames = std::initializer_list<const char*>;

// Throws Error where entries are wrong by themselves.
WindowAttributes read_windows(const Info& info, WindowNames names);

// Throws Error where a tensor of that shape cannot be.
void check_output(const std::vector<int64_t>& shape);

// Runs work, and throws Error where it runs out of memory.
template <class F>
void with_memory(const Tensor& x, F&& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    throw Error("input x: is " + x.describe() + ", for which there is not enough memory");
  }
}

// The spatial sizes of x. Throws Error unless x is bool with the axes of the windows.
std::vector<int64_t> spatial_sizes(const Tensor& x, size_t axes);

std::unique_ptr<Kernel> make_convolution(const Info& info, bool transposed);

// Gives the output's extents from those of x; `channels` is its second axis.
using Extent = int64_t (*)(int64_t size, const WindowAttributes& attributes, size_t axis);
void infer_windows(const Shapes& shapes, WindowNames names, Extent extent, int64_t channels,
                   const std::string& channels_name);
void infer_convolution(const Shapes& shapes, bool transposed);

}  // namespace lgnx::ort
