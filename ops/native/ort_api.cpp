#include "ort_api.h"

#include <atomic>
#include <exception>
#include <mutex>

namespace lgnx::ort {
namespace {

Tensor view(const Api* api, const Value* value) {
  Tensor tensor;
  TypeAndShape* info = nullptr;
  check(GetTensorTypeAndShape::call(api, value, &info));
  const auto release = [api](TypeAndShape* p) { ReleaseTypeAndShape::call(api, p); };
  const std::unique_ptr<TypeAndShape, decltype(release)> owner(info, release);
  int type = 0;
  size_t rank = 0;
  check(GetTensorElementType::call(api, info, &type));
  check(GetDimensionsCount::call(api, info, &rank));
  tensor.type = static_cast<Type>(type);
  tensor.shape.resize(rank);
  if (rank) check(GetDimensions::call(api, info, tensor.shape.data(), rank));
  tensor.size = 1;
  for (int64_t extent : tensor.shape) tensor.size *= extent;
  void* data = nullptr;
  check(GetTensorMutableData::call(api, const_cast<Value*>(value), &data));
  tensor.data = data;
  return tensor;
}

std::string node_name(const Api* api, const KernelInfo* info) {
  size_t size = 0;
  Status* status = KernelInfoGetNodeName::call(api, info, nullptr, &size);
  std::string name(size, '\0');
  if (!status) status = KernelInfoGetNodeName::call(api, info, &name[0], &size);
  if (status) {
    ReleaseStatus::call(api, status);
    return "";
  }
  while (!name.empty() && name.back() == '\0') name.pop_back();
  return name;
}

// Gives false, and forgets the status, where a call failed.
bool succeeded(const Api* api, Status* status) {
  ReleaseStatus::call(api, status);
  return !status;
}

}  // namespace

std::string format_shape(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string Tensor::describe() const {
  return std::string(type_name(type)) + " of shape " + format_shape(shape);
}

Info::Info(const Api* api, const KernelInfo* info, const char* op)
    : api_(api),
      info_(info),
      where_(std::string("lgnx.ops ") + op + " '" + node_name(api, info) + "': ") {}

int64_t Info::attribute(const char* name, int64_t fallback) const {
  int64_t value = fallback;
  return succeeded(api_, KernelInfoGetAttributeInt::call(api_, info_, name, &value)) ? value
                                                                                     : fallback;
}

int64_t Info::attribute(const char* name) const {
  int64_t value = 0;
  require(succeeded(api_, KernelInfoGetAttributeInt::call(api_, info_, name, &value)),
          where_ + "attribute " + name + ": is missing or not an integer");
  return value;
}

float Info::attribute(const char* name, float fallback) const {
  float value = fallback;
  return succeeded(api_, KernelInfoGetAttributeFloat::call(api_, info_, name, &value)) ? value
                                                                                       : fallback;
}

std::optional<std::vector<int64_t>> Info::attributes(const char* name) const {
  size_t size = 0;
  if (!succeeded(api_, KernelInfoGetAttributeInts::call(api_, info_, name, nullptr, &size)))
    return std::nullopt;
  std::vector<int64_t> values(size);
  if (size) check(KernelInfoGetAttributeInts::call(api_, info_, name, values.data(), &size));
  return values;
}

bool Info::constant(size_t input, Tensor* tensor) const {
  int is_constant = 0;
  const Value* value = nullptr;
  if (!succeeded(api_,
                 KernelInfoGetConstantInput::call(api_, info_, input, &is_constant, &value)) ||
      !is_constant || !value)
    return false;
  *tensor = view(api_, value);
  return true;
}

bool Context::has_input(size_t index) const {
  size_t count = 0;
  check(KernelContextGetInputCount::call(api_, context_, &count));
  if (index >= count) return false;
  const Value* value = nullptr;
  check(KernelContextGetInput::call(api_, context_, index, &value));
  return value != nullptr;
}

Tensor Context::input(size_t index) const {
  const Value* value = nullptr;
  check(KernelContextGetInput::call(api_, context_, index, &value));
  require(value != nullptr, "input " + std::to_string(index) + " is missing");
  return view(api_, value);
}

void* Context::output(const std::vector<int64_t>& shape) const {
  Value* value = nullptr;
  check(KernelContextGetOutput::call(api_, context_, 0, shape.data(), shape.size(), &value));
  void* data = nullptr;
  check(GetTensorMutableData::call(api_, value, &data));
  return data;
}

bool Shapes::has_input(size_t index) const {
  size_t count = 0;
  check(ShapeContextGetInputCount::call(api_, context_, &count));
  return index < count;
}

Shapes::Shape Shapes::input(size_t index) const {
  TypeAndShape* info = nullptr;  // stays the property of the context
  check(ShapeContextGetInput::call(api_, context_, index, &info));
  size_t rank = 0;
  check(GetDimensionsCount::call(api_, info, &rank));
  Shape shape;
  shape.dims.resize(rank);
  shape.names.resize(rank);
  if (!rank) return shape;
  check(GetDimensions::call(api_, info, shape.dims.data(), rank));
  std::vector<const char*> names(rank, nullptr);
  check(GetSymbolicDimensions::call(api_, info, names.data(), rank));
  for (size_t i = 0; i < rank; ++i)
    if (names[i]) shape.names[i] = names[i];
  return shape;
}

int64_t Shapes::attribute(const char* name, int64_t fallback) const {
  const Attribute* attribute = nullptr;
  if (!succeeded(api_, ShapeContextGetAttribute::call(api_, context_, name, &attribute)) ||
      !attribute)
    return fallback;
  int64_t value = fallback;
  size_t size = 0;
  return succeeded(api_, ReadAttribute::call(api_, attribute, kInt, &value, sizeof value, &size))
             ? value
             : fallback;
}

std::optional<std::vector<int64_t>> Shapes::attributes(const char* name) const {
  const Attribute* attribute = nullptr;
  if (!succeeded(api_, ShapeContextGetAttribute::call(api_, context_, name, &attribute)) ||
      !attribute)
    return std::nullopt;
  std::vector<int64_t> values(16);
  size_t size = 0;  // in bytes
  if (!succeeded(api_, ReadAttribute::call(api_, attribute, kInts, values.data(),
                                           values.size() * sizeof(int64_t), &size)))
    return std::vector<int64_t>{};
  values.resize(size / sizeof(int64_t));
  return values;
}

void Shapes::output(Type type, const Shape& shape) const {
  TypeAndShape* info = nullptr;
  check(CreateTensorTypeAndShapeInfo::call(api_, &info));
  const auto release = [this](TypeAndShape* p) { ReleaseTypeAndShape::call(api_, p); };
  const std::unique_ptr<TypeAndShape, decltype(release)> owner(info, release);
  check(SetTensorElementType::call(api_, info, static_cast<int>(type)));
  check(SetDimensions::call(api_, info, shape.dims.data(), shape.dims.size()));
  // A dimension that is neither known nor named needs a name of its own: equal names would tell
  // onnxruntime's memory planner that the sizes are equal.
  static std::atomic<uint64_t> unknown{0};
  std::vector<std::string> named = shape.names;
  for (size_t i = 0; i < named.size(); ++i)
    if (shape.dims[i] < 0 && named[i].empty()) named[i] = "lgnx_" + std::to_string(unknown++);
  std::vector<const char*> names;
  for (const std::string& name : named) names.push_back(name.c_str());
  if (!names.empty()) check(SetSymbolicDimensions::call(api_, info, names.data(), names.size()));
  check(ShapeContextSetOutput::call(api_, context_, 0, info));
}

int64_t packed_batch(const Tensor& words, const Tensor& batch) {
  require(words.type == Type::kUint64 && words.shape.size() == 2,
          "input x: is " + words.describe() + ", must be uint64 of shape [N, W]");
  require(batch.type == Type::kInt64 && batch.shape.size() == 1 && batch.size == 1,
          "input batch: is " + batch.describe() + ", must be int64 of shape [1]");
  const int64_t size = *batch.as<int64_t>();
  // Compared this way round, nothing can overflow.
  require(size >= 0 && size / 64 + (size % 64 != 0) == words.shape[1],
          "input batch: is " + std::to_string(size) + ", which does not fit " +
              std::to_string(words.shape[1]) + " words of 64 samples");
  return size;
}

namespace detail {
namespace {

struct Failures {
  std::mutex mutex;
  std::exception_ptr first;
};

}  // namespace

void parallel_for(const Api* api, const KernelContext* context, size_t n,
                  void (*work)(void*, size_t), void* data) {
  if (n) check(ParallelFor::call(api, context, work, n, 0, data));
}

void* new_failures() { return new Failures; }

void delete_failures(void* failures) { delete static_cast<Failures*>(failures); }

void record_failure(void* failures) noexcept {
  auto* f = static_cast<Failures*>(failures);
  const std::lock_guard<std::mutex> lock(f->mutex);
  if (!f->first) f->first = std::current_exception();
}

void rethrow_first(void* failures) {
  auto* f = static_cast<Failures*>(failures);
  if (f->first) std::rethrow_exception(f->first);
}

}  // namespace detail
}  // namespace lgnx::ort
