// What LogicConv and LogicConvTranspose have in common.
#pragma once
#include <initializer_list>

#include "ort_api.h"
#include "windows.h"

namespace lgnx::ort {

// The attributes that an operator has besides kernel_shape.
using WindowNames = std::initializer_list<const char*>;

// Throws Error where entries are wrong by themselves.
WindowAttributes read_windows(const Info& info, WindowNames names);

// The spatial sizes of x. Throws Error unless x is bool with the axes of the windows.
std::vector<int64_t> spatial_sizes(const Tensor& x, size_t axes);

std::unique_ptr<Kernel> make_convolution(const Info& info, bool transposed);

// Gives the output's extents from those of x; `channels` is its second axis.
using Extent = int64_t (*)(int64_t size, const WindowAttributes& attributes, size_t axis);
void infer_windows(const Shapes& shapes, WindowNames names, Extent extent, int64_t channels,
                   const std::string& channels_name);
void infer_convolution(const Shapes& shapes, bool transposed);

}  // namespace lgnx::ort
