// RegisterCustomOps: what onnxruntime calls when it loads the library.
#include <map>
#include <mutex>

#include "lgnx.h"
#include "ort_api.h"

namespace lgnx::ort {
namespace {

// onnxruntime hands the CustomOp back to every callback, so what they need hangs on to it.
struct Operator : CustomOp {
  const Api* api;
  const Definition* definition;
};

struct KernelState {
  const Api* api;
  std::string where;
  std::unique_ptr<Kernel> kernel;
};

const Definition& definition(const CustomOp* op) {
  return *static_cast<const Operator*>(op)->definition;
}

Status* LGNX_ORT_CALL create(const CustomOp* op, const Api* api, const KernelInfo* raw,
                             void** result) {
  return guarded(api, [&] {
    const Info info(api, raw, definition(op).name);
    auto state = std::make_unique<KernelState>();
    state->api = api;
    state->where = info.where();
    try {
      state->kernel = definition(op).create(info);
    } catch (const Error& e) {
      throw Error(state->where + e.what());
    }
    *result = state.release();
  });
}

Status* LGNX_ORT_CALL compute(void* raw, KernelContext* context) {
  auto* state = static_cast<KernelState*>(raw);
  return guarded(state->api, [&] {
    try {
      state->kernel->compute(Context(state->api, context));
    } catch (const Error& e) {
      throw Error(state->where + e.what());
    }
  });
}

void LGNX_ORT_CALL destroy(void* raw) { delete static_cast<KernelState*>(raw); }

Status* LGNX_ORT_CALL infer(const CustomOp* op, ShapeContext* context) {
  const Api* api = static_cast<const Operator*>(op)->api;
  return guarded(api, [&] { definition(op).infer(Shapes(api, context)); });
}

Operator make(const Api* api, const Definition& d) {
  Operator op{};
  op.version = kApiVersion;
  op.api = api;
  op.definition = &d;
  op.get_name = [](const CustomOp* o) { return definition(o).name; };
  op.get_execution_provider = [](const CustomOp*) -> const char* { return nullptr; };
  // Every type is let in and checked by the kernel, whose message can name node and field.
  op.get_input_type = [](const CustomOp*, size_t) { return static_cast<int>(Type::kUndefined); };
  op.get_input_count = [](const CustomOp* o) { return definition(o).n_inputs; };
  op.get_output_type = [](const CustomOp* o, size_t) {
    return static_cast<int>(definition(o).output);
  };
  op.get_output_count = [](const CustomOp*) -> size_t { return 1; };
  op.destroy_kernel = destroy;
  op.get_input_kind = [](const CustomOp* o, size_t i) -> int {
    return i + definition(o).n_optional >= definition(o).n_inputs ? kOptional : kRequired;
  };
  op.get_output_kind = [](const CustomOp*, size_t) -> int { return kRequired; };
  op.get_input_memory = [](const CustomOp*, size_t) { return 0; };
  op.get_variadic_input_min = [](const CustomOp*) { return 1; };
  op.get_variadic_input_homogeneity = [](const CustomOp*) { return 0; };
  op.get_variadic_output_min = [](const CustomOp*) { return 1; };
  op.get_variadic_output_homogeneity = [](const CustomOp*) { return 0; };
  op.create_kernel_v2 = create;
  op.compute_v2 = compute;
  op.infer_shape = infer;
  op.get_start_version = [](const CustomOp*) { return 1; };
  op.get_end_version = [](const CustomOp*) { return 1; };
  return op;
}

struct Registration {
  Operator operators[10];
  Domain* domain = nullptr;
};

// One for each onnxruntime of the process. Never freed: sessions may outlive everything else.
std::map<const Api*, Registration*>& registrations() {
  static auto* all = new std::map<const Api*, Registration*>;
  return *all;
}

std::mutex& registration_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

void add_to(SessionOptions* options, const Api* api) {
  const std::lock_guard<std::mutex> lock(registration_mutex());
  Registration*& registration = registrations()[api];
  if (!registration) {
    auto fresh = std::make_unique<Registration>();
    check(CreateCustomOpDomain::call(api, "lgnx.ops", &fresh->domain));
    size_t i = 0;
    for (const Definition* d :
         {&kThermometer, &kLogicDense, &kGroupSum, &kPackBits, &kUnpackBits, &kBitCount,
          &kLogicNetwork, &kLogicConv, &kLogicConvTranspose, &kOrPool}) {
      fresh->operators[i] = make(api, *d);
      check(CustomOpDomainAdd::call(api, fresh->domain, &fresh->operators[i++]));
    }
    registration = fresh.release();
  }
  check(AddCustomOpDomain::call(api, options, registration->domain));
}

}  // namespace
}  // namespace lgnx::ort

extern "C" LGNX_EXPORT lgnx::ort::Status* LGNX_ORT_CALL
RegisterCustomOps(lgnx::ort::SessionOptions* options, const lgnx::ort::ApiBase* base) {
  using namespace lgnx::ort;
  const Api* api = base->get_api(kApiVersion);
  if (!api) {
    api = base->get_api(1);
    return api ? CreateStatus::call(api, kFail, "lgnx needs onnxruntime 1.24 or later") : nullptr;
  }
  return guarded(api, [&] { add_to(options, api); });
}
