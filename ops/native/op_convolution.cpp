#include "op_convolution.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>

#include "convolution.h"

namespace lgnx::ort {
namespace {

WindowNames names(bool transposed) {
  static constexpr WindowNames kSlide = {"strides", "pads", "dilations"};
  static constexpr WindowNames kSpread = {"strides", "pads", "dilations", "output_padding"};
  return transposed ? kSpread : kSlide;
}

std::vector<int64_t> WindowAttributes::* member(const std::string& name) {
  if (name == "strides") return &WindowAttributes::strides;
  if (name == "pads") return &WindowAttributes::pads;
  return name == "dilations" ? &WindowAttributes::dilations : &WindowAttributes::output_padding;
}

Trees read_trees(const Tensor& i, const Tensor& t, int64_t depth) {
  require((i.type == Type::kInt32 || i.type == Type::kUint16),
          "input indices: is " + i.describe() + ", must be int32 or uint16");
  require(i.shape.size() == 2,
          "input indices: has shape " + format_shape(i.shape) + ", must be [K, k^depth]");
  Trees trees;
  trees.n = i.shape[0];
  trees.depth = depth;
  require(trees.n > 0, "input indices: has no rows: the layer has no kernels");
  const int64_t leaves = i.shape[1];
  trees.k = leaves >= 1 && leaves <= kMaxLeaves ? fan_in(leaves, depth) : 0;
  const std::string power = std::to_string(depth);
  require(trees.k != 0, "input indices: has " + std::to_string(leaves) + " columns, must have k^" +
                            power + ", the leaves of a tree of depth " + power +
                            ", for a k from 1 to " + std::to_string(kMaxTableInputs) +
                            ", and at most " + std::to_string(kMaxLeaves));
  trees.indices.resize(static_cast<size_t>(i.size));
  for (int64_t j = 0; j < i.size; ++j) {
    const int64_t value = i.type == Type::kInt32 ? i.as<int32_t>()[j] : i.as<uint16_t>()[j];
    if (value < 0)
      throw Error("input indices: holds " + std::to_string(value) + ", must not be negative");
    trees.indices[j] = static_cast<uint32_t>(value);
  }
  require(t.type == Type::kUint8, "input tables: is " + t.describe() + ", must be uint8");
  const std::vector<int64_t> expected = {trees.n, trees.nodes(), trees.table_bytes()};
  require(t.shape == expected, "input tables: has shape " + format_shape(t.shape) + ", must be " +
                                   format_shape(expected) + " for " + std::to_string(trees.n) +
                                   " kernels of " + std::to_string(trees.nodes()) + " nodes of " +
                                   std::to_string(trees.k) + " inputs");
  trees.tables.assign(t.as<uint8_t>(), t.as<uint8_t>() + t.size);
  return trees;
}

// Trees that were read, checked and grouped.
struct Layer {
  Trees trees;
  TreeGroups groups;

  explicit Layer(Trees read) : trees(std::move(read)), groups(group_trees(trees)) {}

  void check_width(int64_t channels, const WindowAttributes& windows) const {
    const int64_t width = saturated(channels, windows.volume()), leaves = trees.leaves();
    const auto wide = [&](uint32_t index) { return int64_t{index} >= width; };
    const auto at = std::find_if(trees.indices.begin(), trees.indices.end(), wide);
    if (at == trees.indices.end()) return;
    const int64_t row = (at - trees.indices.begin()) / leaves;
    const auto first = trees.indices.begin() + row * leaves;
    throw Error("input indices: row " + std::to_string(row) + " reads bit " +
                std::to_string(*std::max_element(first, first + leaves)) + " of a window of " +
                std::to_string(width) + " bits (" + std::to_string(channels) + " channels of " +
                format_shape(windows.kernel_shape) + ")");
  }
};

class ConvolutionKernel : public Kernel {
 public:
  ConvolutionKernel(const Info& info, bool transposed)
      : windows_(read_windows(info, names(transposed))),
        transposed_(transposed),
        depth_(info.attribute("depth", int64_t{1})) {
    require(depth_ >= 1, "attribute depth: is " + std::to_string(depth_) + ", must be at least 1");
    Tensor indices, tables;
    if (info.constant(1, &indices) && info.constant(2, &tables))
      layer_.emplace(read_trees(indices, tables, depth_));
  }

  void compute(const Context& context) override {
    const Tensor x = context.input(0);
    const std::vector<int64_t> sizes = spatial_sizes(x, windows_.axes());
    std::optional<Layer> fresh;
    if (!layer_) fresh.emplace(read_trees(context.input(1), context.input(2), depth_));
    const Layer& layer = layer_ ? *layer_ : *fresh;
    (transposed_ ? check_spread : check_slide)(windows_, sizes);
    const int64_t batch = x.shape[0], channels = x.shape[1];
    std::vector<int64_t> shape = {batch, layer.trees.n};
    for (size_t a = 0; a < sizes.size(); ++a)
      shape.push_back((transposed_ ? spread_extent : slide_extent)(sizes[a], windows_, a));
    check_output(shape);
    if (!batch) {
      layer.check_width(channels, windows_);
      context.output(shape);
      return;
    }
    with_memory(x, [&] {
      const std::shared_ptr<const Convolution> convolution =
          layer_ ? cached(layer, channels, sizes) : make(layer, channels, sizes);
      auto* y = static_cast<uint8_t*>(context.output(shape));
      convolution->run(kernels(), x.as<uint8_t>(), batch, y,
                       [&](size_t n, const std::function<void(size_t)>& work) {
                         context.parallel_for(n, work);
                       });
    });
  }

 private:
  std::shared_ptr<const Convolution> make(const Layer& layer, int64_t channels,
                                          const std::vector<int64_t>& sizes) const {
    layer.check_width(channels, windows_);
    return std::make_shared<Convolution>(layer.groups, windows_, transposed_, channels, sizes);
  }

  std::shared_ptr<const Convolution> cached(const Layer& layer, int64_t channels,
                                            const std::vector<int64_t>& sizes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!convolution_ || channels_ != channels || sizes_ != sizes) {
      convolution_ = make(layer, channels, sizes);
      channels_ = channels;
      sizes_ = sizes;
    }
    return convolution_;
  }

  WindowAttributes windows_;
  bool transposed_;
  int64_t depth_;
  std::optional<Layer> layer_;
  std::mutex mutex_;
  std::shared_ptr<const Convolution> convolution_;
  int64_t channels_ = 0;
  std::vector<int64_t> sizes_;
};

template <class Source>
WindowAttributes read(const Source& source, WindowNames names) {
  std::optional<std::vector<int64_t>> kernel_shape = source.attributes("kernel_shape");
  if (!kernel_shape) throw Error("attribute kernel_shape: is missing");
  WindowAttributes windows(std::move(*kernel_shape));
  for (const char* name : names)
    if (std::optional<std::vector<int64_t>> values = source.attributes(name))
      windows.*member(name) = std::move(*values);
  check_entries(windows);
  return windows;
}

}  // namespace

WindowAttributes read_windows(const Info& info, WindowNames names) { return read(info, names); }

void check_output(const std::vector<int64_t>& shape) {
  int64_t bits = 1;
  for (int64_t extent : shape) bits = saturated(bits, extent);
  if (bits == std::numeric_limits<int64_t>::max())
    throw Error("output y: has shape " + format_shape(shape) + ", which is too large");
}

std::vector<int64_t> spatial_sizes(const Tensor& x, size_t axes) {
  if (x.type != Type::kBool) throw Error("input x: is " + x.describe() + ", must be bool");
  if (x.shape.size() != 2 + axes)
    throw Error("input x: has " + std::to_string(x.shape.size()) + " axes, must have " +
                std::to_string(2 + axes) + ": batch, channels and the " + std::to_string(axes) +
                " of the window");
  return {x.shape.begin() + 2, x.shape.end()};
}

std::unique_ptr<Kernel> make_convolution(const Info& info, bool transposed) {
  return std::make_unique<ConvolutionKernel>(info, transposed);
}

void infer_windows(const Shapes& shapes, WindowNames names, Extent extent, int64_t channels,
                   const std::string& channels_name) {
  const WindowAttributes windows = read(shapes, names);
  const Shapes::Shape x = shapes.input(0);
  if (x.dims.size() != 2 + windows.axes()) return;
  Shapes::Shape y{{x.dims[0], channels}, {x.names[0], channels_name}};
  for (size_t a = 0; a < windows.axes(); ++a) {
    const int64_t size = x.dims[2 + a];
    const bool known = size >= 0 && size < int64_t{1} << 31;
    const int64_t n = known ? extent(size, windows, a) : -1;
    y.dims.push_back(n < 1 ? -1 : n);
    y.names.emplace_back();
  }
  shapes.output(Type::kBool, y);
}

void infer_convolution(const Shapes& shapes, bool transposed) {
  const Shapes::Shape indices = shapes.input(1);
  const bool known = indices.dims.size() == 2;
  infer_windows(shapes, names(transposed), transposed ? spread_extent : slide_extent,
                known ? indices.dims[0] : -1, known ? indices.names[0] : "");
}

}  // namespace lgnx::ort
