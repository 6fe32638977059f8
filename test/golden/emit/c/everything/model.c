/* everything: tables and calls. Emitted by edge-nn; do not edit. */
#include "model.h"

#include "enn_s8_conv.h"
#include "enn_s8_dense.h"
#include "enn_s8_elementwise.h"
#include "enn_s8_pool.h"
#include "enn_s8_reduce.h"
#include "enn_s8_shape.h"
#include "enn_s8_softmax.h"

static const ENN_CONST int8_t k_w[108] = {
    91, 77, -25, -15, -61, 31, 116, -96, 72, 61, 6, 106, 5, -60, -119, -11, -97, 107, -40, 51, -19,
    -74, -101, -86, -3, -44, 100, 47, 82, -94, -124, 77, -45, 1, -16, -101, 24, 51, -53, 93, -53,
    102, -86, 18, 58, -114, -83, 4, 51, -63, 8, 34, 34, 96, 111, 33, 8, -103, -49, -33, -71, -94,
    51, -34, 54, 1, -7, -65, 67, 1, 1, -43, -76, -35, 37, 20, -126, 69, -76, 102, -7, -120, 114, 8,
    17, 83, -80, -56, 122, -105, 76, 48, -74, 124, 67, -62, -12, 96, -92, 120, -26, -115, -109, -95,
    -92, -108, -63, -46,
};

static const ENN_CONST int32_t k_b[4] = {
    4834, 5724, 19012, 3825,
};

static const ENN_CONST int32_t k_conv2d_mult[4] = {
    1508883829, 1937724542, 1135633651, 1635947865,
};

static const ENN_CONST int8_t k_conv2d_shift[4] = {
    -8, -10, -8, -9,
};

static const ENN_CONST int8_t k_w_2[36] = {
    -29, -79, -91, 31, 72, 81, -120, 2, -19, 12, -45, -9, -3, 12, 1, 78, -98, 58, -79, 105, -57, -7,
    109, 18, -48, -16, -90, -120, -78, -27, 17, 99, -9, 127, 18, -66,
};

static const ENN_CONST int32_t k_zeros_4[4] = {
    0, 0, 0, 0,
};

static const ENN_CONST int32_t k_depthwiseConv2d_mult[4] = {
    1100405684, 1182936159, 1203568759, 2063260751,
};

static const ENN_CONST int8_t k_depthwiseConv2d_shift[4] = {
    -7, -8, -7, -8,
};

static const ENN_CONST int8_t k_w_3[864] = {
    -74, 45, -112, -10, -111, 105, -7, 49, 75, 74, -45, 74, 57, -10, 38, 67, 33, 105, 100, 9, -5,
    -26, 27, 127, 33, -32, -17, 98, -63, -51, -101, -72, 79, -92, 122, -109, 120, -2, -46, 113, -38,
    87, 27, -70, 32, -9, 50, 63, 96, -40, -29, -80, -79, 42, 105, 64, -42, -102, 105, -19, 96, -3,
    -91, 120, -72, -2, 96, 14, -83, -89, -16, -40, 59, 11, 88, 12, 30, -19, -114, -126, 55, 64, -12,
    -54, 41, -73, -86, 96, -56, -124, 14, 28, 11, 49, -20, -17, 114, -34, 75, -124, -89, 78, 44,
    -21, -63, -58, 66, 26, 55, 51, 0, -114, -100, 123, -78, 60, -125, 81, 17, -83, -22, 43, 110,
    -107, -41, -32, -114, 115, 121, -28, -66, -18, 31, -94, 109, 121, 102, -52, -11, 87, 5, -27, -6,
    -72, -117, -72, 34, 48, -110, -70, 57, 32, 116, -72, 89, 118, -85, -38, -52, -6, -125, 61, 69,
    -50, 95, 10, -50, 95, -2, 122, 19, 116, -118, -82, -91, 44, 44, -110, -100, 105, 108, -52, 56,
    -97, 93, -53, -37, -111, -63, 24, -63, -60, -17, -55, 34, -102, -124, -118, -124, -28, 18, 10,
    -126, -97, 120, -107, -60, 90, 90, -92, -103, -96, -107, 126, -122, 51, -37, 111, -30, 73, 117,
    6, -22, 14, -117, 88, -73, -91, -2, 42, -95, 73, 58, -89, -4, -125, -111, 76, 12, 42, 126, -49,
    -67, -103, 96, 9, -47, 41, 55, -48, 94, 57, -123, 36, 30, -24, 90, 29, 52, -42, 96, -26, -9, -9,
    -42, -64, -85, 24, 9, -123, -50, 4, -122, 85, -18, 61, 63, -81, 31, -34, 5, -99, -17, -53, -13,
    94, -70, 54, 99, -1, -12, 105, -66, 64, -105, -44, -32, 70, 2, -22, -1, -10, -17, -88, 50, -73,
    -33, 8, -16, 8, 63, -30, 116, 38, 64, 2, 15, 82, 60, 65, 122, -94, -103, -93, 114, 76, 124, -14,
    98, 122, 11, -120, -30, -67, 9, 99, 56, 94, -34, 60, 12, -49, -50, -59, 57, 39, 51, 50, 100,
    101, -106, -105, 77, -15, -57, 61, 46, 77, 96, 26, 118, -31, 36, 91, -90, -101, 103, 124, -61,
    54, 95, -65, -90, -78, -10, -15, 105, -83, -122, -43, 95, -66, 124, 100, 74, -58, 29, -32, -110,
    12, 80, 65, 127, -68, -77, -62, -19, -33, -24, -28, -91, -107, 87, 107, 21, 57, -15, 41, 8, 20,
    -88, 71, -103, 40, 51, 30, 92, -101, 18, -33, -21, 112, -26, 64, -89, 3, 63, 123, -97, 4, 11,
    114, 124, 7, 22, 107, -59, 59, 110, 37, -2, 0, -87, 14, -44, 89, 29, -57, 71, -100, -49, 47, 19,
    -82, 93, 50, -127, -39, -73, -47, 37, 28, -38, -27, -64, 13, 4, 64, 71, -96, 62, -35, 27, 91,
    54, -96, 28, 36, 28, 127, -44, 34, -106, -63, -74, 89, -78, -59, 62, -53, 95, -52, -55, -94,
    106, -102, 54, 81, -98, 8, 126, -7, -56, -74, 1, 51, -58, 45, -36, -22, 119, -39, 27, 45, -102,
    99, -42, -28, -4, 35, 18, -29, -127, -92, -34, 81, 117, -122, 54, -61, 112, -54, -117, -41, 32,
    -34, 11, 72, -19, 3, 38, -82, -67, -117, 78, 57, -52, -82, -52, 86, -24, 87, 11, 56, -30, -47,
    13, 70, 122, -86, -103, -30, 25, 99, 56, 1, 82, -88, -91, -113, 46, 74, -50, 91, -64, 16, 64,
    65, -76, -37, -8, 6, 27, 78, -94, 123, 79, 91, -61, -127, 12, -12, -52, -24, 127, -82, -47, 63,
    -51, 121, 98, 100, 111, -80, -72, 113, -21, -52, 96, -69, 51, -32, 2, -22, -18, -119, 120, -21,
    112, 8, -78, -81, 115, -38, -111, 118, 10, -3, 39, 118, 41, 16, 61, 89, 19, -127, -102, 51, -50,
    -1, 119, 114, 24, 33, 23, 9, -59, -44, 102, -116, -63, 22, 105, 121, 111, 42, 86, 98, 85, -85,
    88, -54, 16, -51, -3, 77, 87, -78, 18, 48, -79, 7, -121, -126, 65, 3, 17, -19, -111, -86, 10,
    -70, 76, -5, -85, 14, 25, -108, -34, -126, -92, 53, 101, 112, 45, 108, -34, -72, 55, 92, -9, 18,
    -116, 10, 8, -47, 72, -109, -24, -70, -118, 81, -98, 84, 104, 83, -64, -121, 118, -43, -112, -8,
    -14, 106, 20, 37, -46, 123, 79, 126, -5, -34, 89, 61, -4, 13, -64, 86, -49, 115, -16, 95, -40,
    112, -17, -111, -34, 9, 66, -77, 110, -65, 20, -55, 56, 14, 77, -62, -107, -48, -52, -95, -121,
    83, 10, 23, 21, -36, -116, -4, 28, 92, 36, -52, 13, -56, 108, 49, 84, 105, -81, -14, 69, 63,
    -29, -15, 65, -34, -94, -41, 78, -82, 51, -77, -58, 3, 64, 11, -82, 23, 114, 79, -29, -6, 21,
    -77, 8, 5, -126, 95, -95, -17, -10, 116, -109, 36, -52, -10, -119, -77, -34, -15, 121, -99,
    -103, 38, 76, 23, -46, 82, 47, 40, -35, -39, 108, 116, 121, -15, -81, 74, 93, 117, 1, -33, -5,
    -49, -121, 69, 22, 17, 5, -11, 6, -46, -102, 12, -23, 17, -28, -83, -98, -77, 43, 73,
};

static const ENN_CONST int32_t k_b_2[6] = {
    -14732, 3227, 4583, -18167, -7285, -4479,
};

static const ENN_CONST int32_t k_dense_mult[1] = {
    1760649189,
};

static const ENN_CONST int8_t k_dense_shift[1] = {
    -11,
};

static const ENN_CONST int8_t k_w_4[24] = {
    -10, 12, -26, -99, 118, 25, 126, -93, -124, 100, 97, -37, 127, -53, 23, -23, -103, -101, -92,
    106, -105, 101, -114, -44,
};

static const ENN_CONST int32_t k_dense_2_mult[4] = {
    1255060722, 1954188590, 1718338199, 1490911113,
};

static const ENN_CONST int8_t k_dense_2_shift[4] = {
    -7, -9, -9, -7,
};

static const ENN_CONST struct enn_pad_s8 p_pad = {
    .in = {1, 6, 6, 2}, .before = {0, 0, 0, 1}, .out = {1, 6, 6, 3}, .value = 64,
};

static const ENN_CONST struct enn_conv2d_s8 p_conv2d = {
    .in_h = 6, .in_w = 6, .in_c = 3, .out_h = 6, .out_w = 6, .out_c = 4, .kernel_h = 3,
    .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 2, .pad_top = 1,
    .pad_left = 2, .in_zero = 64, .out_zero = 65, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_conv2d_s8 p_depthwiseConv2d = {
    .in_h = 6, .in_w = 6, .in_c = 2, .out_h = 6, .out_w = 6, .out_c = 4, .kernel_h = 3,
    .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 1,
    .pad_left = 1, .in_zero = 64, .out_zero = 67, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_add_s8 p_add = {
    .dims = {1, 1, 1, 144}, .a_stride = {0, 0, 0, 1}, .b_stride = {0, 0, 0, 1}, .a_zero = 65,
    .b_zero = 67, .out_zero = 81, .clamp_min = -128, .clamp_max = 127, .a_mult = 1090695719,
    .a_shift = -1, .b_mult = 1073741824, .b_shift = 0, .out_mult = 1777873178, .out_shift = -19,
};

static const ENN_CONST struct enn_requantize_s8 p_requantize = {
    .count = 144, .in_zero = 81, .out_zero = -5, .mult = 1866846525, .shift = 2, .clamp_min = -128,
    .clamp_max = 127,
};

static const ENN_CONST struct enn_concat_s8 p_concat = {
    .outer = 36, .inner = 4, .stride = 8, .offset = 0, .in_zero = -5, .out_zero = -5,
    .mult = 1073741824, .shift = 1, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_concat_s8 p_concat_2 = {
    .outer = 36, .inner = 4, .stride = 8, .offset = 4, .in_zero = 65, .out_zero = -5,
    .mult = 1569940766, .shift = 1, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_requantize_s8 p_relu = {
    .count = 288, .in_zero = -5, .out_zero = 3, .mult = 1116015132, .shift = 0, .clamp_min = 3,
    .clamp_max = 127,
};

static const ENN_CONST struct enn_pool2d_s8 p_maxPool2d = {
    .in_h = 6, .in_w = 6, .out_h = 3, .out_w = 3, .channels = 8, .kernel_h = 2, .kernel_w = 2,
    .stride_h = 2, .stride_w = 2, .pad_top = 0, .pad_left = 0, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_requantize_s8 p_relu6 = {
    .count = 288, .in_zero = -5, .out_zero = 94, .mult = 1120426251, .shift = 1, .clamp_min = 94,
    .clamp_max = 127,
};

static const ENN_CONST struct enn_pool2d_s8 p_avgPool2d = {
    .in_h = 6, .in_w = 6, .out_h = 3, .out_w = 3, .channels = 8, .kernel_h = 2, .kernel_w = 2,
    .stride_h = 2, .stride_w = 2, .pad_top = 1, .pad_left = 0, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_mean_s8 p_mean = {
    .outer = 1, .reduce0 = 9, .middle = 1, .reduce1 = 1, .inner = 8, .zero_sum = 27,
    .out_zero = -88, .mult = 1188367800, .shift = -2,
};

static const ENN_CONST struct enn_mul_s8 p_mul = {
    .dims = {1, 1, 9, 8}, .a_stride = {0, 0, 8, 1}, .b_stride = {0, 0, 0, 1}, .a_zero = 3,
    .b_zero = -88, .out_zero = 9, .clamp_min = -128, .clamp_max = 127, .mult = 1523323367,
    .shift = -5,
};

static const ENN_CONST struct enn_concat_s8 p_concat_2_2 = {
    .outer = 1, .inner = 72, .stride = 144, .offset = 0, .in_zero = 9, .out_zero = 9,
    .mult = 1073741824, .shift = 1, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_concat_s8 p_concat_2_3 = {
    .outer = 1, .inner = 72, .stride = 144, .offset = 72, .in_zero = 94, .out_zero = 9,
    .mult = 1162167575, .shift = -1, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_dense_s8 p_dense = {
    .in = 144, .out = 6, .per_axis = 0, .in_zero = 9, .out_zero = 78, .clamp_min = 78,
    .clamp_max = 127,
};

static const ENN_CONST struct enn_dense_s8 p_dense_2 = {
    .in = 6, .out = 4, .per_axis = 1, .in_zero = 78, .out_zero = -80, .clamp_min = -128,
    .clamp_max = 127,
};

static const ENN_CONST struct enn_softmax_s8 p_softmax = {
    .rows = 1, .classes = 4, .mult = 1419057152, .shift = 23, .diff_min = -248,
};

static __attribute__((noinline)) void run_pad_s8__ref(
    const ENN_CONST struct enn_pad_s8 *p, const int8_t *x, int8_t *y) {
  enn_pad_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_conv2d_s8__ref(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  enn_conv2d_s8__ref(p, x, w, bias, mult, shift, y);
}

static __attribute__((noinline)) void run_depthwise_conv2d_s8__ref(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  enn_depthwise_conv2d_s8__ref(p, x, w, bias, mult, shift, y);
}

static __attribute__((noinline)) void run_add_s8__ref(
    const ENN_CONST struct enn_add_s8 *p, const int8_t *a, const int8_t *b, int8_t *y) {
  enn_add_s8__ref(p, a, b, y);
}

static __attribute__((noinline)) void run_requantize_s8__ref(
    const ENN_CONST struct enn_requantize_s8 *p, const int8_t *x, int8_t *y) {
  enn_requantize_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_concat_s8__ref(
    const ENN_CONST struct enn_concat_s8 *p, const int8_t *x, int8_t *y) {
  enn_concat_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_max_pool2d_s8__ref(
    const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x, int8_t *y) {
  enn_max_pool2d_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_avg_pool2d_s8__ref(
    const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x, int8_t *y) {
  enn_avg_pool2d_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_mean_s8__ref(
    const ENN_CONST struct enn_mean_s8 *p, const int8_t *x, int8_t *y) {
  enn_mean_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_mul_s8__ref(
    const ENN_CONST struct enn_mul_s8 *p, const int8_t *a, const int8_t *b, int8_t *y) {
  enn_mul_s8__ref(p, a, b, y);
}

static __attribute__((noinline)) void run_dense_s8__ref(
    const ENN_CONST struct enn_dense_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  enn_dense_s8__ref(p, x, w, bias, mult, shift, y);
}

static __attribute__((noinline)) void run_softmax_s8__ref(
    const ENN_CONST struct enn_softmax_s8 *p, const int8_t *x, int8_t *y) {
  enn_softmax_s8__ref(p, x, y);
}

static const ENN_CONST char enn_inputs_name_0[] = "input";
static const ENN_CONST struct enn_tensor enn_inputs[1] = {
    {
        .name = enn_inputs_name_0, .shape = {1, 6, 6, 2, 1, 1}, .rank = 4, .dtype = ENN_DTYPE_S8,
        .offset = 88, .bytes = 72, .scale_bits = 0x3DB7E910u, .zero_point = 64,
    },
};

static const ENN_CONST char enn_outputs_name_0[] = "softmax";
static const ENN_CONST char enn_outputs_name_1[] = "avgPool2d";
static const ENN_CONST struct enn_tensor enn_outputs[2] = {
    {
        .name = enn_outputs_name_0, .shape = {1, 4, 1, 1, 1, 1}, .rank = 2, .dtype = ENN_DTYPE_S8,
        .offset = 0, .bytes = 4, .scale_bits = 0x3B800000u, .zero_point = -128,
    },
    {
        .name = enn_outputs_name_1, .shape = {1, 3, 3, 8, 1, 1}, .rank = 4, .dtype = ENN_DTYPE_S8,
        .offset = 360, .bytes = 72, .scale_bits = 0x3CCF41F2u, .zero_point = 94,
    },
};

static const ENN_CONST char enn_steps_name_0[] = "pad";
static const ENN_CONST char enn_steps_name_1[] = "conv2d";
static const ENN_CONST char enn_steps_name_2[] = "depthwiseConv2d";
static const ENN_CONST char enn_steps_name_3[] = "add";
static const ENN_CONST char enn_steps_name_4[] = "requantize";
static const ENN_CONST char enn_steps_name_5[] = "concat";
static const ENN_CONST char enn_steps_name_6[] = "relu";
static const ENN_CONST char enn_steps_name_7[] = "maxPool2d";
static const ENN_CONST char enn_steps_name_8[] = "relu6";
static const ENN_CONST char enn_steps_name_9[] = "avgPool2d";
static const ENN_CONST char enn_steps_name_10[] = "mean";
static const ENN_CONST char enn_steps_name_11[] = "mul";
static const ENN_CONST char enn_steps_name_12[] = "concat_2";
static const ENN_CONST char enn_steps_name_13[] = "dense";
static const ENN_CONST char enn_steps_name_14[] = "dense_2";
static const ENN_CONST char enn_steps_name_15[] = "softmax";
static const ENN_CONST struct enn_step enn_steps[16] = {
    {
        .value = enn_steps_name_0, .offset = 160, .bytes = 108, .macs = 0u,
    },
    {
        .value = enn_steps_name_1, .offset = 288, .bytes = 144, .macs = 3888u,
    },
    {
        .value = enn_steps_name_2, .offset = 0, .bytes = 144, .macs = 1296u,
    },
    {
        .value = enn_steps_name_3, .offset = 0, .bytes = 144, .macs = 0u,
    },
    {
        .value = enn_steps_name_4, .offset = 432, .bytes = 144, .macs = 0u,
    },
    {
        .value = enn_steps_name_5, .offset = 0, .bytes = 288, .macs = 0u,
    },
    {
        .value = enn_steps_name_6, .offset = 296, .bytes = 288, .macs = 0u,
    },
    {
        .value = enn_steps_name_7, .offset = 288, .bytes = 72, .macs = 0u,
    },
    {
        .value = enn_steps_name_8, .offset = 0, .bytes = 288, .macs = 0u,
    },
    {
        .value = enn_steps_name_9, .offset = 360, .bytes = 72, .macs = 0u,
    },
    {
        .value = enn_steps_name_10, .offset = 72, .bytes = 8, .macs = 0u,
    },
    {
        .value = enn_steps_name_11, .offset = 0, .bytes = 72, .macs = 0u,
    },
    {
        .value = enn_steps_name_12, .offset = 72, .bytes = 144, .macs = 0u,
    },
    {
        .value = enn_steps_name_13, .offset = 0, .bytes = 6, .macs = 864u,
    },
    {
        .value = enn_steps_name_14, .offset = 8, .bytes = 4, .macs = 24u,
    },
    {
        .value = enn_steps_name_15, .offset = 0, .bytes = 4, .macs = 0u,
    },
};

static const ENN_CONST char enn_model_name_0[] = "everything";
static const ENN_CONST char enn_model_name_1[] = "tflite-int8";

const ENN_CONST struct enn_model enn_model = {
    .abi = ENN_MODEL_ABI,
    .model_hash = {0x00,0x01,0x02,0x03,0x04,0x05,0x06,0x07,0x08,0x09,0x0a,0x0b,0x0c,0x0d,0x0e,0x0f},
    .build_hash = {0x82,0x4d,0x99,0x74,0x04,0xd0,0x58,0x39,0xbb,0x72,0xab,0x6d,0x07,0x39,0x93,0xaf},
    .name = enn_model_name_0, .scheme = enn_model_name_1, .arena_bytes = ENN_ARENA_BYTES,
    .arena_align = ENN_ARENA_ALIGN, .state_bytes = ENN_STATE_BYTES, .input_count = ENN_INPUTS,
    .output_count = ENN_OUTPUTS, .step_count = ENN_STEPS, .inputs = enn_inputs,
    .outputs = enn_outputs, .steps = enn_steps,
};

void enn_model_reset(uint8_t *state) { (void)state; }

void enn_model_run(uint8_t *arena, uint8_t *state, uint32_t first, uint32_t last) {
  (void)state;
  int8_t *const memory = (int8_t *)arena;
  if (first >= last) return;
  switch (first) {
    case 0: /* pad: s8[1,6,6,3] = pad */
      run_pad_s8__ref(&p_pad, memory + 88, memory + 160);
      if (last == 1) return;
      /* fall through */
    case 1: /* conv2d: s8[1,6,6,4] = conv2d */
      run_conv2d_s8__ref(
          &p_conv2d, memory + 160, k_w, k_b, k_conv2d_mult, k_conv2d_shift, memory + 288);
      if (last == 2) return;
      /* fall through */
    case 2: /* depthwiseConv2d: s8[1,6,6,4] = depthwiseConv2d */
      run_depthwise_conv2d_s8__ref(
          &p_depthwiseConv2d, memory + 88, k_w_2, k_zeros_4, k_depthwiseConv2d_mult,
          k_depthwiseConv2d_shift, memory + 0);
      if (last == 3) return;
      /* fall through */
    case 3: /* add: s8[1,6,6,4] = add */
      run_add_s8__ref(&p_add, memory + 288, memory + 0, memory + 0);
      if (last == 4) return;
      /* fall through */
    case 4: /* requantize: s8[1,6,6,4] = requantize */
      run_requantize_s8__ref(&p_requantize, memory + 0, memory + 432);
      if (last == 5) return;
      /* fall through */
    case 5: /* concat: s8[1,6,6,8] = concat */
      run_concat_s8__ref(&p_concat, memory + 432, memory + 0);
      run_concat_s8__ref(&p_concat_2, memory + 288, memory + 0);
      if (last == 6) return;
      /* fall through */
    case 6: /* relu: s8[1,6,6,8] = relu */
      run_requantize_s8__ref(&p_relu, memory + 0, memory + 296);
      if (last == 7) return;
      /* fall through */
    case 7: /* maxPool2d: s8[1,3,3,8] = maxPool2d */
      run_max_pool2d_s8__ref(&p_maxPool2d, memory + 296, memory + 288);
      if (last == 8) return;
      /* fall through */
    case 8: /* relu6: s8[1,6,6,8] = relu6 */
      run_requantize_s8__ref(&p_relu6, memory + 0, memory + 0);
      if (last == 9) return;
      /* fall through */
    case 9: /* avgPool2d: s8[1,3,3,8] = avgPool2d */
      run_avg_pool2d_s8__ref(&p_avgPool2d, memory + 0, memory + 360);
      if (last == 10) return;
      /* fall through */
    case 10: /* mean: s8[1,1,1,8] = mean */
      run_mean_s8__ref(&p_mean, memory + 288, memory + 72);
      if (last == 11) return;
      /* fall through */
    case 11: /* mul: s8[1,3,3,8] = mul */
      run_mul_s8__ref(&p_mul, memory + 288, memory + 72, memory + 0);
      if (last == 12) return;
      /* fall through */
    case 12: /* concat_2: s8[1,144] = concat */
      run_concat_s8__ref(&p_concat_2_2, memory + 0, memory + 72);
      run_concat_s8__ref(&p_concat_2_3, memory + 360, memory + 72);
      if (last == 13) return;
      /* fall through */
    case 13: /* dense: s8[1,6] = dense */
      run_dense_s8__ref(
          &p_dense, memory + 72, k_w_3, k_b_2, k_dense_mult, k_dense_shift, memory + 0);
      if (last == 14) return;
      /* fall through */
    case 14: /* dense_2: s8[1,4] = dense */
      run_dense_s8__ref(
          &p_dense_2, memory + 0, k_w_4, k_zeros_4, k_dense_2_mult, k_dense_2_shift, memory + 8);
      if (last == 15) return;
      /* fall through */
    case 15: /* softmax: s8[1,4] = softmax */
      run_softmax_s8__ref(&p_softmax, memory + 8, memory + 0);
      if (last == 16) return;
      /* fall through */
    default:
      return;
  }
}
