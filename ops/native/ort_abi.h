// The part of onnxruntime's C ABI that a custom-op library uses, declared by hand: the headers are
// in no package registry, and the ABI only ever grows at its end. The functions are known by their
// place in the table OrtApi.
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(_WIN32)
#define LGNX_ORT_CALL __stdcall
#else
#define LGNX_ORT_CALL
#endif

namespace lgnx::ort {

// Opaque to us.
struct Status;
struct SessionOptions;
struct Domain;
struct Value;
struct TypeAndShape;
struct KernelInfo;
struct KernelContext;
struct ShapeContext;
struct Attribute;

struct Api {
  void* const* slots() const { return reinterpret_cast<void* const*>(this); }
};

struct ApiBase {
  const Api*(LGNX_ORT_CALL* get_api)(uint32_t version);
  const char*(LGNX_ORT_CALL* version_string)();
};

// onnxruntime 1.24, the oldest that is supported: 1.23 crashes on an input left out before others.
constexpr uint32_t kApiVersion = 24;

enum ErrorCode : int { kFail = 1, kInvalidArgument = 2 };
enum IoKind : int { kRequired = 0, kOptional = 1 };
enum AttributeKind : int { kInt = 1, kInts = 2, kFloat = 3 };

// A function of the table that reports failure by a status.
template <size_t Slot, class... Arguments>
struct Function {
  using Pointer = Status*(LGNX_ORT_CALL*)(Arguments...);
  static Status* call(const Api* api, Arguments... arguments) {
    return reinterpret_cast<Pointer>(api->slots()[Slot])(arguments...);
  }
};

// A function of the table that frees something.
template <size_t Slot, class Object>
struct Release {
  using Pointer = void(LGNX_ORT_CALL*)(Object*);
  static void call(const Api* api, Object* object) {
    if (object) reinterpret_cast<Pointer>(api->slots()[Slot])(object);
  }
};

struct CustomOp;
using CreateStatus = Function<0, int, const char*>;
using CreateCustomOpDomain = Function<26, const char*, Domain**>;
using CustomOpDomainAdd = Function<27, Domain*, const CustomOp*>;
using AddCustomOpDomain = Function<28, SessionOptions*, Domain*>;
using GetTensorMutableData = Function<51, Value*, void**>;
using CreateTensorTypeAndShapeInfo = Function<57, TypeAndShape**>;
using SetTensorElementType = Function<58, TypeAndShape*, int>;
using SetDimensions = Function<59, TypeAndShape*, const int64_t*, size_t>;
using GetTensorElementType = Function<60, const TypeAndShape*, int*>;
using GetDimensionsCount = Function<61, const TypeAndShape*, size_t*>;
using GetDimensions = Function<62, const TypeAndShape*, int64_t*, size_t>;
using GetSymbolicDimensions = Function<63, const TypeAndShape*, const char**, size_t>;
using GetTensorTypeAndShape = Function<65, const Value*, TypeAndShape**>;
using KernelInfoGetAttributeFloat = Function<85, const KernelInfo*, const char*, float*>;
using KernelInfoGetAttributeInt = Function<86, const KernelInfo*, const char*, int64_t*>;
using KernelContextGetInputCount = Function<88, const KernelContext*, size_t*>;
using KernelContextGetInput = Function<90, const KernelContext*, size_t, const Value**>;
using KernelContextGetOutput =
    Function<91, KernelContext*, size_t, const int64_t*, size_t, Value**>;
using ReleaseStatus = Release<93, Status>;
using ReleaseTypeAndShape = Release<99, TypeAndShape>;
using KernelInfoGetAttributeInts = Function<163, const KernelInfo*, const char*, int64_t*, size_t*>;
using KernelInfoGetNodeName = Function<244, const KernelInfo*, char*, size_t*>;
using KernelInfoGetConstantInput = Function<249, const KernelInfo*, size_t, int*, const Value**>;
using ShapeContextGetInputCount = Function<267, const ShapeContext*, size_t*>;
using ShapeContextGetInput = Function<268, const ShapeContext*, size_t, TypeAndShape**>;
using ShapeContextGetAttribute = Function<269, const ShapeContext*, const char*, const Attribute**>;
using ShapeContextSetOutput = Function<270, const ShapeContext*, size_t, const TypeAndShape*>;
using SetSymbolicDimensions = Function<271, TypeAndShape*, const char**, size_t>;
using ReadAttribute = Function<272, const Attribute*, int, void*, size_t, size_t*>;
using ParallelFor =
    Function<274, const KernelContext*, void (*)(void*, size_t), size_t, size_t, void*>;

// OrtCustomOp, as it is since API version 18.
struct CustomOp {
  uint32_t version;
  void*(LGNX_ORT_CALL* create_kernel)(const CustomOp*, const Api*, const KernelInfo*);
  const char*(LGNX_ORT_CALL* get_name)(const CustomOp*);
  const char*(LGNX_ORT_CALL* get_execution_provider)(const CustomOp*);
  int(LGNX_ORT_CALL* get_input_type)(const CustomOp*, size_t);
  size_t(LGNX_ORT_CALL* get_input_count)(const CustomOp*);
  int(LGNX_ORT_CALL* get_output_type)(const CustomOp*, size_t);
  size_t(LGNX_ORT_CALL* get_output_count)(const CustomOp*);
  void(LGNX_ORT_CALL* compute)(void*, KernelContext*);
  void(LGNX_ORT_CALL* destroy_kernel)(void*);
  int(LGNX_ORT_CALL* get_input_kind)(const CustomOp*, size_t);
  int(LGNX_ORT_CALL* get_output_kind)(const CustomOp*, size_t);
  int(LGNX_ORT_CALL* get_input_memory)(const CustomOp*, size_t);
  int(LGNX_ORT_CALL* get_variadic_input_min)(const CustomOp*);
  int(LGNX_ORT_CALL* get_variadic_input_homogeneity)(const CustomOp*);
  int(LGNX_ORT_CALL* get_variadic_output_min)(const CustomOp*);
  int(LGNX_ORT_CALL* get_variadic_output_homogeneity)(const CustomOp*);
  Status*(LGNX_ORT_CALL* create_kernel_v2)(const CustomOp*, const Api*, const KernelInfo*, void**);
  Status*(LGNX_ORT_CALL* compute_v2)(void*, KernelContext*);
  Status*(LGNX_ORT_CALL* infer_shape)(const CustomOp*, ShapeContext*);
  int(LGNX_ORT_CALL* get_start_version)(const CustomOp*);
  int(LGNX_ORT_CALL* get_end_version)(const CustomOp*);
  size_t(LGNX_ORT_CALL* get_inplace)(int**, int**);
  void(LGNX_ORT_CALL* release_inplace)(int*, int*);
  size_t(LGNX_ORT_CALL* get_alias)(int**, int**);
  void(LGNX_ORT_CALL* release_alias)(int*, int*);
};
static_assert(sizeof(CustomOp) == 26 * sizeof(void*), "layout of OrtCustomOp");

}  // namespace lgnx::ort
