#include "op_convolution.h"

namespace lgnx::ort {

const Definition kLogicConvTranspose = {
    "LogicConvTranspose",
    3,
    0,
    Type::kBool,
    [](const Info& info) { return make_convolution(info, true); },
    [](const Shapes& shapes) { infer_convolution(shapes, true); }};

}  // namespace lgnx::ort
