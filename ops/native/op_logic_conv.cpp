#include "op_convolution.h"

namespace lgnx::ort {

const Definition kLogicConv = {"LogicConv",
                               3,
                               0,
                               Type::kBool,
                               [](const Info& info) { return make_convolution(info, false); },
                               [](const Shapes& shapes) { infer_convolution(shapes, false); }};

}  // namespace lgnx::ort
