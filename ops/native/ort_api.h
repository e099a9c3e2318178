// What the operators need of onnxruntime, with exceptions in place of statuses.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "error.h"
#include "ort_abi.h"
#include "pack.h"

namespace lgnx::ort {

// A status that onnxruntime gave us, on its way back.
struct StatusError {
  Status* status;
};

inline void check(Status* status) {
  if (status) throw StatusError{status};
}

// Runs work and turns whatever it throws into a status: nothing may be thrown into onnxruntime.
template <class F>
Status* guarded(const Api* api, F&& work) noexcept {
  try {
    work();
    return nullptr;
  } catch (const StatusError& e) {
    return e.status;
  } catch (const Error& e) {
    return CreateStatus::call(api, kInvalidArgument, e.what());
  } catch (const std::exception& e) {
    return CreateStatus::call(api, kFail, e.what());
  } catch (...) {
    return CreateStatus::call(api, kFail, "lgnx: unknown error");
  }
}

struct Tensor {
  Type type = Type::kUndefined;
  std::vector<int64_t> shape;
  int64_t size = 0;  // elements
  const void* data = nullptr;

  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  std::string describe() const;  // "float32 of shape [3, 4]"
};

// What is known when a session is created.
class Info {
 public:
  Info(const Api* api, const KernelInfo* info, const char* op);
  int64_t attribute(const char* name, int64_t fallback) const;
  int64_t attribute(const char* name) const;  // required
  float attribute(const char* name, float fallback) const;
  // A list of integers; empty where it is of another type.
  std::optional<std::vector<int64_t>> attributes(const char* name) const;
  bool constant(size_t input, Tensor* tensor) const;   // false: absent, or known only at run time
  const std::string& where() const { return where_; }  // "LogicDense 'name': "

 private:
  const Api* api_;
  const KernelInfo* info_;
  std::string where_;
};

// What is known when the model runs.
class Context {
 public:
  Context(const Api* api, KernelContext* context) : api_(api), context_(context) {}
  bool has_input(size_t index) const;
  Tensor input(size_t index) const;
  void* output(const std::vector<int64_t>& shape) const;  // the one output
  // Calls work(0) ... work(n - 1) on the threads of the session. What work throws is rethrown.
  template <class F>
  void parallel_for(size_t n, F&& work) const;

 private:
  const Api* api_;
  KernelContext* context_;
};

class Shapes;  // shape inference, below

// One operator: what distinguishes its kernel.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void compute(const Context& context) = 0;
};

struct Definition {
  const char* name;
  size_t n_inputs;
  size_t n_optional;  // of which the last ones may be absent
  Type output;        // kUndefined where an attribute decides
  std::unique_ptr<Kernel> (*create)(const Info& info);
  void (*infer)(const Shapes& shapes);
};

// Shape inference. Dimensions are -1 where unknown, with their symbolic name beside them.
class Shapes {
 public:
  struct Shape {
    std::vector<int64_t> dims;
    std::vector<std::string> names;
  };
  Shapes(const Api* api, const ShapeContext* context) : api_(api), context_(context) {}
  bool has_input(size_t index) const;  // or one after it
  Shape input(size_t index) const;
  int64_t attribute(const char* name, int64_t fallback) const;
  std::optional<std::vector<int64_t>> attributes(const char* name) const;  // of a few integers
  void output(Type type, const Shape& shape) const;

 private:
  const Api* api_;
  const ShapeContext* context_;
};

// The operators, each defined in its own file.
extern const Definition kThermometer, kLogicDense, kGroupSum, kPackBits, kUnpackBits, kBitCount,
    kLogicNetwork, kLogicConv, kLogicConvTranspose, kOrPool;

std::string format_shape(const std::vector<int64_t>& shape);

// The value of the input `batch` of a packed operator; it must fit the words.
int64_t packed_batch(const Tensor& words, const Tensor& batch);

// ---------------------------------------------------------------------------------------

namespace detail {
void parallel_for(const Api* api, const KernelContext* context, size_t n,
                  void (*work)(void*, size_t), void* data);
void rethrow_first(void* failures);
void* new_failures();
void delete_failures(void* failures);
void record_failure(void* failures) noexcept;
}  // namespace detail

template <class F>
void Context::parallel_for(size_t n, F&& work) const {
  if (n == 1) return work(0);
  struct Job {
    std::remove_reference_t<F>* work;
    void* failures;
  };
  const std::unique_ptr<void, void (*)(void*)> failures(detail::new_failures(),
                                                        detail::delete_failures);
  Job job{&work, failures.get()};
  detail::parallel_for(
      api_, context_, n,
      [](void* data, size_t i) {
        Job* j = static_cast<Job*>(data);
        try {
          (*j->work)(i);
        } catch (...) {
          detail::record_failure(j->failures);
        }
      },
      &job);
  detail::rethrow_first(failures.get());
}

}  // namespace lgnx::ort
