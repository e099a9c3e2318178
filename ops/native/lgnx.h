/* The C interface of the lgnx native library.
 *
 * Functions that can fail write a message, always terminated, to `error` (of `error_size` bytes)
 * and return NULL or a nonzero int. Nothing here throws, and no input makes it crash.
 */
#ifndef LGNX_H_
#define LGNX_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define LGNX_EXPORT __declspec(dllexport)
#else
#define LGNX_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* An XOR-AND graph. Literals are 2 * variable + complement; variable 0 is constant false,
 * variables 1 ... n_inputs are the inputs, n_inputs + 1 + i is node i. Node i is the AND
 * (kinds[i] = 0) or XOR (kinds[i] = 1) of fanins[2 * i] and fanins[2 * i + 1], literals of smaller
 * variables. */
typedef struct lgnx_netlist lgnx_netlist;

/* Simplifies a graph: constants, polarity, structural hashing, two-level rules, dead nodes. */
LGNX_EXPORT lgnx_netlist* lgnx_netlist_optimize(uint32_t n_inputs, uint64_t n_nodes,
                                                const uint8_t* kinds, const uint32_t* fanins,
                                                uint64_t n_outputs, const uint32_t* outputs,
                                                char* error, size_t error_size);
LGNX_EXPORT uint64_t lgnx_netlist_size(const lgnx_netlist* netlist);
/* Copies the nodes and outputs out; the arrays hold size, 2 * size and n_outputs entries. */
LGNX_EXPORT void lgnx_netlist_read(const lgnx_netlist* netlist, uint8_t* kinds, uint32_t* fanins,
                                   uint32_t* outputs);
LGNX_EXPORT void lgnx_netlist_free(lgnx_netlist* netlist);

/* Writes the level of every node: 1 + the larger level of its fan-ins, inputs being level 0. */
LGNX_EXPORT int lgnx_netlist_levels(uint32_t n_inputs, uint64_t n_nodes, const uint32_t* fanins,
                                    uint32_t* levels, char* error, size_t error_size);

/* A LogicNetwork program, validated and scheduled. */
typedef struct lgnx_program lgnx_program;

LGNX_EXPORT lgnx_program* lgnx_program_load(const uint32_t* words, uint64_t n_words, char* error,
                                            size_t error_size);
LGNX_EXPORT void lgnx_program_free(lgnx_program* program);
LGNX_EXPORT uint32_t lgnx_program_inputs(const lgnx_program* program);
LGNX_EXPORT uint32_t lgnx_program_outputs(const lgnx_program* program);
/* Evaluates bits[batch][n_inputs], bytes of which any nonzero one is a 1, to
 * out[batch][n_outputs], bytes of 0 or 1. */
LGNX_EXPORT int lgnx_program_run(const lgnx_program* program, const uint8_t* bits, uint64_t batch,
                                 uint8_t* out, char* error, size_t error_size);

/* Rows of numbers for lgnx_program_profile. `type` counts as in ONNX's TensorProto (1 float32, 2
 * uint8, 3 int8, 4 uint16, 5 int16, 6 int32, 7 int64, 9 bool, 11 float64, 12 uint32, 13 uint64). */
typedef struct lgnx_rows {
  const void* x; /* [batch][features] */
  int32_t type;
  uint64_t features, batch;
  const void* thresholds; /* [features][per_feature] of the type of x; NULL: a bit is x != 0 */
  uint64_t per_feature;   /* 1 where there are none */
  int32_t strict;         /* x > t, rather than x >= t */
} lgnx_rows;

/* Runs a batch in this thread and writes the seconds spent on packing, on the gates, and on the
 * output: int32 counts of `groups` groups, or bytes where groups is 0. The output is dropped. */
LGNX_EXPORT int lgnx_program_profile(const lgnx_program* program, const lgnx_rows* rows,
                                     uint32_t groups, double seconds[3], char* error,
                                     size_t error_size);

/* Name of the instruction set in use: "avx512", "avx2" or "portable". */
LGNX_EXPORT const char* lgnx_simd(void);

#ifdef __cplusplus
}
#endif

#endif  // LGNX_H_
