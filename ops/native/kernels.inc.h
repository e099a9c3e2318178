// All kernels, compiled once for each instruction set by kernels_*.cpp.
#pragma once
#include "bytes.inc.h"
#include "count.inc.h"
#include "gates.inc.h"
#include "pool.inc.h"
#include "rows.inc.h"
#include "scores.inc.h"
#include "strips.inc.h"
#include "transpose.inc.h"

#define LGNX_KERNELS(NAME)                                                     \
  {NAME,    execute,     row_masks,    transpose,     count,   expand, scores, \
   compare, pack_strips, shift_strips, unpack_strips, or_axis, ones}
