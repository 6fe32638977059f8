/* resnet: tables and calls. Emitted by edge-nn; do not edit. */
#include "model.h"

#include "enn_rows.h"
#include "enn_s8_add_dsp.h"
#include "enn_s8_conv_dsp.h"
#include "enn_s8_dense_dsp.h"
#include "enn_s8_pool_dsp.h"

static const ENN_CONST _Alignas(4) int8_t k_w_fold4[224] = {
    -75, 105, 86, 62, -48, 56, -53, -85, -36, 44, -60, 6, 107, -7, 49, -73, -101, -21, 85, 9, 34,
    -92, 122, 21, -118, -10, 64, 0, -48, 7, -70, 27, -27, 37, 103, 67, -37, -113, -14, -43, 39, 112,
    -15, 68, 87, -52, -90, 28, 25, -110, -92, 115, 28, 51, -92, -1, 97, -127, 112, 70, -29, 103,
    -118, 35, 83, -126, -17, -122, 95, -38, -31, -57, 92, 36, 101, -29, 99, 86, -30, -118, 115, 11,
    -17, -1, -3, -80, -32, -15, 125, -65, 2, -95, 109, 39, -84, -26, 30, -74, -25, -111, -71, 119,
    18, -45, -27, -87, 74, 88, 112, 26, 36, 0, 105, 84, -66, 115, 26, -118, 0, 98, -1, -15, -54,
    -31, -5, -76, 13, 54, 76, -82, 96, -92, -116, 28, 63, 100, 51, -26, -91, -1, 74, -108, -116,
    -42, 55, 66, -127, 78, 62, 126, -45, 77, -85, -56, -25, 123, -19, -22, 22, -13, 17, -55, 39,
    -85, -69, 3, 43, 0, 50, 57, 112, 126, -120, 66, -82, 4, -85, -124, 54, 58, -119, 65, -29, 39,
    114, 114, -31, -128, 22, 48, -95, -74, 106, 51, -85, -1, -60, 0, 69, 105, 116, 89, 66, -35, 123,
    -109, -115, 86, 88, -5, -49, 11, -122, -10, 18, -97, 114, 118, 95, -125, -111, 2, 8, 0,
};

static const ENN_CONST int32_t k_conv2d_bias_fold4[8] = {
    -3136512, 2370304, -9388288, -14277120, 2084352, 1354752, 7676416, 352256,
};

static const ENN_CONST int32_t k_conv2d_mult[8] = {
    1262697539, 1151516635, 1524766941, 1588298912, 1588298912, 2001256452, 1842426615, 1318287991,
};

static const ENN_CONST int8_t k_conv2d_shift[8] = {
    8, 8, 9, 10, 10, 9, 10, 8,
};

static const ENN_CONST _Alignas(4) int8_t k_w_2_fold4[576] = {
    8, 67, -50, -125, 47, -25, 79, -9, 95, 5, -69, -39, -107, -29, -41, -2, -113, 52, -111, -39,
    -40, 39, -94, -30, 56, 34, 35, 31, -62, -82, 87, -50, 91, 3, 92, 112, -21, 107, 124, -45, 27,
    -37, 60, -22, 15, 103, -55, -63, 15, -66, -69, 116, -103, -59, 19, -118, 59, -70, -124, 34, -84,
    -98, 65, 59, -31, -91, -97, -50, 36, -28, 18, 95, -78, 118, 114, -120, 117, -120, -110, -38, 55,
    89, 107, 78, -25, -100, 94, 45, -55, -66, 20, 96, 9, -58, -1, -69, 95, -102, -12, -70, 65, -100,
    -35, -16, -123, 40, -45, -70, -114, -42, 101, -92, 26, -36, 107, 121, -113, 115, -31, -103, 114,
    -49, 14, 51, -64, 3, -3, -7, 106, 115, 20, 91, 21, 31, 127, -3, -92, -51, -110, -1, 27, -79,
    114, 50, -32, 119, 53, 68, -23, 25, 24, -29, -83, -108, -99, 65, -23, 104, 125, 66, 71, -45, 59,
    -15, 104, 91, -27, -104, -5, 55, 70, -74, -67, 0, 13, -21, 74, -8, 63, -109, -41, 27, -88, 113,
    -85, -99, 68, -103, -40, 114, 59, 120, -68, 49, 28, -33, 34, -41, -92, -13, -24, -28, 22, 46,
    -54, -69, 109, -11, 71, 96, -63, -116, 77, 108, -19, 107, -30, -65, -79, 18, 45, -18, 9, 39,
    -105, 41, -40, 40, -117, -87, 85, 27, -80, 50, -67, -75, -67, -125, 5, 32, 87, 61, 46, -103,
    -80, 102, -4, 81, 30, -32, 45, 34, -41, -47, 67, 88, -32, -87, 7, 35, -16, -36, -81, -61, 122,
    83, -8, -24, -40, -79, -19, -85, -69, 4, -58, -118, 45, 44, -98, -29, -59, 78, -50, 9, -126,
    -100, -97, -85, -75, -18, 44, 22, 125, 70, 80, 95, -91, 90, -88, 121, -78, -6, -5, -90, 7, 43,
    -71, 54, 14, 106, 89, 122, 44, -75, 95, -80, -22, 50, 50, 109, 6, 74, 58, 86, -87, 86, -82,
    -101, -27, -57, 85, 60, -5, -111, -91, -36, -35, 92, 34, 91, 48, -53, 78, 40, -82, 46, -17, -80,
    -110, 80, -57, -92, 96, 60, 74, 117, -74, -93, -50, -23, 18, 14, 18, -6, 74, 67, -14, 63, 41,
    -112, 98, -65, -83, -9, 53, 49, 92, -56, -15, 68, -107, 32, 106, -50, -76, 59, 26, 48, -19, 25,
    -100, -14, 103, 104, 44, 52, 111, 93, -20, 8, -53, 124, 40, -4, -60, 69, 33, 81, 59, 25, -39,
    31, -60, 126, 67, -125, 57, 45, -106, -48, 89, -79, -88, 17, 114, 60, -125, -117, -36, -57, -37,
    -80, -65, 120, 53, 122, -74, 79, 42, 32, -103, -56, 117, -81, -115, 19, -107, 19, 126, -7, 3,
    -68, -50, 33, -37, 91, -69, -9, -103, 112, 48, -105, 13, 60, -92, 11, 91, 32, -22, -69, -38, 14,
    -46, -62, -24, -46, -17, 87, 124, -22, -116, -104, 90, 64, -18, -5, -43, -104, -32, 34, -74, 90,
    67, 35, 113, 122, 102, -91, 5, 52, 97, -113, 79, -18, -95, 50, -68, 73, 73, -20, -101, -28, -47,
    -51, 94, 73, -91, 111, 84, -45, 124, 44, -32, 2, -44, 14, 120, 29, -35, -8, -48, 76, -72, -47,
    -10, 5, 92, 93, 54, 40, 124, 9, 40, -107, 43, 90, -66, -94, 34, -116, 83, -91, -90, -105, -27,
    37, 12, -60, 85, 56, -34, 86, -10, 25, 114, -34, 69, 23, 127, 64, 96, 33, 98, -60, -127, 6,
};

static const ENN_CONST int32_t k_conv2d_2_bias_fold4[8] = {
    -17779456, -13526528, 21091584, -27481856, 39854592, 28882944, 8038400, 22336000,
};

static const ENN_CONST int32_t k_conv2d_2_mult[8] = {
    1147703930, 1653471723, 1614566562, 1254693263, 1517303519, 1186609091, 1400587756, 1322777434,
};

static const ENN_CONST int8_t k_conv2d_2_shift[8] = {
    9, 9, 9, 9, 10, 10, 10, 10,
};

static const ENN_CONST _Alignas(4) int8_t k_w_3_fold4[64] = {
    43, -88, 110, 112, 73, 55, 113, 113, -13, -55, -36, 41, -32, 112, 93, -70, -26, -116, -1, -20,
    94, -4, -18, -109, -97, 49, -53, -48, 6, -99, 15, 59, -85, 54, -96, 13, -84, -69, -47, -124,
    117, 123, 22, -91, -13, 13, 95, 78, 17, 120, 106, 98, 4, 96, 69, 46, 56, 41, 68, -30, -74, -70,
    73, 43,
};

static const ENN_CONST int32_t k_conv2d_3_bias_fold4[8] = {
    13406976, -3373312, -14588416, -8681472, -7533568, 10861824, 21348096, -3535104,
};

static const ENN_CONST int32_t k_conv2d_3_mult[8] = {
    1159861798, 1240103742, 1488124550, 1378703599, 1429766736, 1867450439, 1254693195, 1210924835,
};

static const ENN_CONST int8_t k_conv2d_3_shift[8] = {
    7, 7, 9, 7, 8, 9, 7, 7,
};

static const ENN_CONST _Alignas(4) int8_t k_w_4_fold4[576] = {
    -100, -72, 118, 75, -61, 15, 88, 108, 34, 64, -28, 87, -15, -110, -112, -116, 9, -123, 107, 4,
    29, 39, -21, 20, 51, -73, 73, 3, -12, -67, -55, -2, 60, -51, -73, -116, 108, 22, 6, 23, 40, 95,
    -6, -71, -67, -121, 30, -79, 108, 12, 8, -121, -104, -37, -89, -12, -48, -107, -85, 36, 32, 40,
    49, 66, -119, 47, 68, -77, -96, -88, -68, -29, -92, 42, 38, -120, -92, -18, -66, 112, -56, -73,
    79, 90, -97, -89, -59, -65, 0, 58, -76, -88, 99, 105, 87, -19, -30, -28, 18, -22, 120, 78, -73,
    3, -62, -88, -32, -127, -79, -80, 92, 10, 106, -8, -107, 14, 125, -101, 0, 104, 37, 85, 8, 18,
    33, 44, -74, -82, 106, -83, -101, 120, 83, 18, 60, 27, 32, 76, -7, 7, -50, -106, -5, 12, 81, 67,
    -4, 108, -119, 9, 113, -68, -17, -6, 114, -44, -68, -83, 79, -73, -74, 10, -64, 47, 79, 9, 2,
    84, 100, -30, -75, 41, 125, -63, 7, 106, -6, 11, 0, -29, -93, -42, 64, -70, -32, 80, -36, 61,
    -26, -33, -59, -44, -48, -19, 52, -5, -76, -37, -40, 16, -60, -108, -54, 117, 100, -36, -39,
    -22, 45, 0, -113, 9, 68, -98, 96, 120, -35, -111, -75, -33, 88, -71, 96, 119, 49, -18, -121, -7,
    -89, -61, 12, -18, -90, -81, 124, -12, 125, -5, -42, 9, -51, 106, -7, 74, -103, -42, 46, -70,
    -42, 70, -82, 101, -102, -11, 102, -5, -123, -125, 80, -3, -89, 11, -60, 34, 104, 17, -116, -8,
    -45, -45, 41, 7, -46, -62, -103, 97, 39, 69, 121, 72, -56, 26, 54, -99, -94, 70, 109, -100, 96,
    98, 114, -76, 93, -100, -12, -7, 112, 29, 23, 122, -49, -35, 71, -121, 116, -69, -44, 117, 125,
    20, 123, 36, -116, -83, 4, 83, 116, 12, -104, -119, 78, -17, 92, 28, 25, 28, 54, 10, 51, -79,
    -14, 72, 2, -127, 127, 52, 22, 24, 69, 12, -38, -8, -47, 88, -23, -82, 102, -88, 88, 99, 4, -35,
    -82, -104, 106, 11, -101, -33, 42, -120, -111, 62, 67, -111, 17, -120, 26, 35, 77, -90, -60,
    108, 111, 104, 68, -35, 33, 41, 99, -51, -16, -24, -81, 118, 12, -2, 109, 123, 25, -30, 49, 4,
    -90, 90, -116, 43, 30, 29, 26, 101, -15, 77, 22, -82, -50, -28, -114, -4, -4, -31, 89, -58, -49,
    83, -105, 111, 26, -69, 101, 71, -2, 101, -82, -106, 76, -51, -98, -74, 104, -21, 91, 116, 116,
    -49, -25, -14, 2, -51, 73, 82, 77, 64, -116, -39, 34, -26, 58, -108, 79, 42, -33, -14, 74, 37,
    114, 72, -114, -6, -35, 112, -74, -74, -40, -124, -51, -24, -88, 35, 38, -114, 35, -1, -7, -79,
    -70, -96, -79, 9, 1, 75, 29, 76, -9, 27, 23, 42, -65, -93, -116, 47, -99, -111, -31, 15, 126, 7,
    55, -60, 42, 13, -60, -39, -111, -86, 38, 119, 89, 24, 31, -48, -71, -20, 57, -73, -103, -104,
    -75, 17, 93, -75, -61, -45, -100, -66, 37, 100, -115, 42, -8, -37, 103, 31, 35, -99, -90, -88,
    -65, -60, -63, 112, 45, -23, 95, -97, 66, 80, -79, -97, 125, 72, 61, -91, 2, 27, -73, -111, -55,
    -1, -4, 98, 17, -72, -65, -126, 79, 108, 51, -26, 99, 20, -66, 116, 57, -4, -72, 60,
};

static const ENN_CONST int32_t k_conv2d_4_bias_fold4[8] = {
    -26720256, -5587200, -3221760, -5168384, -11017984, 15324672, -21549568, -8223232,
};

static const ENN_CONST int32_t k_conv2d_4_mult[8] = {
    1293598421, 1809092629, 1458945620, 1099072430, 2042523843, 1458945620, 1750734794, 1847997852,
};

static const ENN_CONST int8_t k_conv2d_4_shift[8] = {
    9, 9, 10, 9, 10, 9, 10, 10,
};

static const ENN_CONST _Alignas(4) int8_t k_w_5_rows4[640] = {
    -83, 68, -1, -116, 127, -83, 126, -68, -55, -126, 55, 2, -8, -94, -90, 68, -47, 106, 36, 1, -38,
    -73, 115, -2, -73, 101, 94, -40, -115, -39, 122, -36, 68, -42, -31, -70, -98, -76, 60, -102, 59,
    -32, -23, 75, -112, 58, -24, -111, -122, 53, -63, 39, 106, 112, 29, 87, 107, -83, 19, -23, -50,
    -28, -21, 29, -13, 57, -15, -71, -76, 69, 46, 114, -36, 81, -117, 94, 16, -73, 24, 90, -101, 53,
    76, -43, -103, 111, 9, -19, 37, 78, -96, -21, 68, -49, -27, -118, 66, 14, -16, -63, -98, -81,
    -23, -47, 115, -6, -8, -106, 88, 89, 118, -86, -111, 63, 14, 97, -9, 3, -28, -6, -49, 81, -56,
    -12, 72, -62, -55, -32, -124, -69, 62, 32, -106, -60, -4, 32, 3, -45, -1, -76, 107, -76, -20,
    55, -14, 122, 68, -11, -120, -11, 80, 12, -73, -53, 83, -70, -67, 81, -114, 84, 53, -39, -61,
    -100, -80, 31, 125, 48, -32, 115, -58, 41, -127, 97, 95, -91, -29, 20, -20, -101, -93, 67, -93,
    60, -74, 93, -8, -93, -11, -26, -5, -116, 82, 110, 90, -69, -36, 59, -53, 29, -13, 17, -38, 35,
    -96, -79, -8, 115, 84, -123, 12, -114, -21, -18, -51, -27, 76, 52, -77, -79, -107, -43, -1, 55,
    -43, -69, -12, 97, 76, 4, 120, 48, 3, -14, 54, 74, -117, 72, 33, -19, -104, -63, 109, -88, -1,
    22, 93, -54, -96, -64, -44, -54, 113, 90, 119, 121, 124, -41, 7, -25, -104, 103, -30, -112, 29,
    -40, -4, -5, -80, -94, 90, -72, 52, -57, -65, 121, 33, 17, -34, -84, -73, 109, 105, 2, -42, -16,
    69, -56, 110, -40, 58, 33, -53, -126, 42, -63, -78, 13, -118, 117, 112, 90, -6, -22, -111, -44,
    -119, 47, -93, 122, -58, 67, -16, -58, 26, -125, -94, -18, -106, -72, 54, 63, -110, -97, 51, 15,
    120, -8, 120, 71, 92, 120, -17, 85, -85, 26, 111, 58, 27, 28, 69, 115, 114, 71, -41, -22, -101,
    116, 55, -86, 101, -24, -108, -63, -73, 58, 72, -23, -126, 15, 40, 47, 113, -60, -51, -62, 72,
    -80, 51, 92, 46, -20, -118, 71, -29, -70, -77, -72, 52, 42, 118, 42, 12, 10, -19, 8, -37, -34,
    -95, 47, 102, 91, 25, 109, -54, 55, 69, -94, -106, 75, -42, -95, -105, -3, 89, 112, 124, 99, 41,
    -61, -9, -18, 96, -87, 26, 13, -58, -104, 94, 96, -98, -92, -11, -105, 0, 9, 39, -38, 73, 70,
    127, 99, 49, 12, 65, -87, -57, -56, -127, 111, -78, -88, -94, 104, -107, 18, 41, -95, -41, -23,
    -106, 14, -62, 69, -64, 53, 74, 78, 3, -28, -41, 52, 28, 104, 105, 125, -48, 77, 3, -64, -21,
    -24, 54, -26, 78, -127, 50, -54, -119, -64, -78, 72, -34, -64, 104, 119, 56, -59, 65, 116, -44,
    126, 103, 95, -108, 74, 125, 90, 87, 96, 115, -8, -58, 14, -46, 95, -110, -118, -63, 86, 55, 68,
    -113, -7, 100, -31, -66, 14, 106, -42, -97, 126, -36, -104, 16, -100, 125, -127, 71, -29, -54,
    -39, 77, -4, 33, 119, 70, -48, -80, 110, 31, 91, -119, 84, 113, 28, -26, -23, 47, -89, 125, -87,
    90, -70, 77, -102, 107, 65, -25, 82, -58, -34, -62, 67, 36, -85, -126, -41, -42, -1, 105, 59,
    18, 65, 49, 84, 17, 88, 74, -66, -85, -15, 98, -95, 74, 115, -17, 120, 8, -34, -82, 43, 54,
    -122, 114, -35, 112, -57, 55, 17, -92, 1, -117, 35, 88, 17, -86, 21, 85, -120, 9, -103, 10, 94,
    13, -120, 109, 14, 18, -10, -89, -7, 108, 127, 83, -32, -54, 106, 61, 71, 10, -1, -44, -12, -90,
    61, 105, -72, 41, 36,
};

static const ENN_CONST int32_t k_dense_bias_rows4[4] = {
    2941, -59219, -44339, -67782,
};

static const ENN_CONST int32_t k_dense_mult[1] = {
    2074823835,
};

static const ENN_CONST int8_t k_dense_shift[1] = {
    -10,
};

static const ENN_CONST struct enn_row_image p_rows_images[6] = {
    {
        .rows = 20, .lines = 20, .line_bytes = 48, .at = 0, .first_feed = 0, .feeds = 0,
    },
    {
        .rows = 20, .lines = 3, .line_bytes = 128, .at = 1228, .first_feed = 0, .feeds = 1,
    },
    {
        .rows = 10, .lines = 3, .line_bytes = 64, .at = 1036, .first_feed = 1, .feeds = 1,
    },
    {
        .rows = 10, .lines = 1, .line_bytes = 64, .at = 972, .first_feed = 2, .feeds = 1,
    },
    {
        .rows = 10, .lines = 1, .line_bytes = 64, .at = 0, .first_feed = 3, .feeds = 1,
    },
    {
        .rows = 10, .lines = 10, .line_bytes = 64, .at = 64, .first_feed = 4, .feeds = 2,
    },
};

static const ENN_CONST struct enn_row_feed p_rows_feeds[6] = {
    {
        .from = 0, .stride = 1, .before = 1, .span = 3,
    },
    {
        .from = 1, .stride = 2, .before = 0, .span = 3,
    },
    {
        .from = 1, .stride = 2, .before = 0, .span = 1,
    },
    {
        .from = 2, .stride = 1, .before = 1, .span = 3,
    },
    {
        .from = 3, .stride = 1, .before = 0, .span = 1,
    },
    {
        .from = 4, .stride = 1, .before = 0, .span = 1,
    },
};

static const ENN_CONST struct enn_row_group p_rows = {
    .images = p_rows_images, .feeds = p_rows_feeds, .count = 6, .next = 960,
};

static const ENN_CONST struct enn_conv2d_s8 p_conv2d[3] = {
    {
        .in_h = 2, .in_w = 16, .in_c = 3, .out_h = 1, .out_w = 16, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 1,
        .pad_left = 1, .in_zero = -31, .out_zero = -62, .clamp_min = -62, .clamp_max = 127,
    },
    {
        .in_h = 3, .in_w = 16, .in_c = 3, .out_h = 1, .out_w = 16, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 1, .in_zero = -31, .out_zero = -62, .clamp_min = -62, .clamp_max = 127,
    },
    {
        .in_h = 2, .in_w = 16, .in_c = 3, .out_h = 1, .out_w = 16, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 1, .in_zero = -31, .out_zero = -62, .clamp_min = -62, .clamp_max = 127,
    },
};

static const ENN_CONST struct enn_conv2d_s8 p_conv2d_2[2] = {
    {
        .in_h = 3, .in_w = 16, .in_c = 8, .out_h = 1, .out_w = 8, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 2, .stride_w = 2, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 0, .in_zero = -62, .out_zero = -22, .clamp_min = -22, .clamp_max = 127,
    },
    {
        .in_h = 2, .in_w = 16, .in_c = 8, .out_h = 1, .out_w = 8, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 2, .stride_w = 2, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 0, .in_zero = -62, .out_zero = -22, .clamp_min = -22, .clamp_max = 127,
    },
};

static const ENN_CONST struct enn_conv2d_s8 p_conv2d_3[1] = {
    {
        .in_h = 1, .in_w = 16, .in_c = 8, .out_h = 1, .out_w = 8, .out_c = 8, .kernel_h = 1,
        .kernel_w = 1, .stride_h = 2, .stride_w = 2, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 0, .in_zero = -62, .out_zero = 118, .clamp_min = -128, .clamp_max = 127,
    },
};

static const ENN_CONST struct enn_conv2d_s8 p_conv2d_4[3] = {
    {
        .in_h = 2, .in_w = 8, .in_c = 8, .out_h = 1, .out_w = 8, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 1,
        .pad_left = 1, .in_zero = -22, .out_zero = -25, .clamp_min = -128, .clamp_max = 127,
    },
    {
        .in_h = 3, .in_w = 8, .in_c = 8, .out_h = 1, .out_w = 8, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 1, .in_zero = -22, .out_zero = -25, .clamp_min = -128, .clamp_max = 127,
    },
    {
        .in_h = 2, .in_w = 8, .in_c = 8, .out_h = 1, .out_w = 8, .out_c = 8, .kernel_h = 3,
        .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 0,
        .pad_left = 1, .in_zero = -22, .out_zero = -25, .clamp_min = -128, .clamp_max = 127,
    },
};

static const ENN_CONST struct enn_add_same_s8 p_add[1] = {
    {
        .count = 64, .a_zero = -25, .b_zero = 118, .out_zero = 98, .b_mult = 1466709132,
        .b_shift = -2, .out_mult = 1154049414, .out_shift = -17, .clamp_min = 98, .clamp_max = 127,
    },
};

static const ENN_CONST struct enn_pool2d_s8 p_maxPool2d = {
    .in_h = 10, .in_w = 8, .out_h = 5, .out_w = 4, .channels = 8, .kernel_h = 2, .kernel_w = 2,
    .stride_h = 2, .stride_w = 2, .pad_top = 0, .pad_left = 0, .clamp_min = -128, .clamp_max = 127,
};

static const ENN_CONST struct enn_dense_s8 p_dense = {
    .in = 160, .out = 4, .per_axis = 0, .in_zero = 98, .out_zero = 19, .clamp_min = -128,
    .clamp_max = 127,
};

static __attribute__((noinline)) void run_conv2d_s8_fold4positive__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_conv2d_s8_fold4positive__dsp(p, x, w, bias, mult, shift, scratch, y);
}

static __attribute__((noinline)) void run_conv2d_s8_fold4__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_conv2d_s8_fold4__dsp(p, x, w, bias, mult, shift, scratch, y);
}

static __attribute__((noinline)) void run_add_s8_same__dsp(
    const ENN_CONST struct enn_add_same_s8 *p, const int8_t *a, const int8_t *b, int8_t *y) {
  enn_add_s8_same__dsp(p, a, b, y);
}

static __attribute__((noinline)) void run_rows(int8_t *memory) {
  enn_rows_begin(&p_rows, memory);
  for (;;) {
    const int32_t image = enn_rows_next(&p_rows, memory);
    if (image < 0) return;
    const int32_t row = enn_rows_row(&p_rows, memory, image);
    int8_t *const y = enn_rows_room(&p_rows, memory, image);
    switch (image) {
      case 1: /* conv2d: s8[1,20,16,8] = conv2d */
        run_conv2d_s8_fold4positive__dsp(
            row < 1 ? &p_conv2d[0] : row < 19 ? &p_conv2d[1] : &p_conv2d[2],
            enn_rows_line(&p_rows, memory, 0, row), k_w_fold4, k_conv2d_bias_fold4, k_conv2d_mult,
            k_conv2d_shift, memory + 1612, y);
        break;
      case 2: /* conv2d_2: s8[1,10,8,8] = conv2d */
        run_conv2d_s8_fold4positive__dsp(
            row < 9 ? &p_conv2d_2[0] : &p_conv2d_2[1], enn_rows_line(&p_rows, memory, 1, row),
            k_w_2_fold4, k_conv2d_2_bias_fold4, k_conv2d_2_mult, k_conv2d_2_shift, memory + 1612, y);
        break;
      case 3: /* conv2d_3: s8[1,10,8,8] = conv2d */
        run_conv2d_s8_fold4__dsp(
            &p_conv2d_3[0], enn_rows_line(&p_rows, memory, 2, row), k_w_3_fold4,
            k_conv2d_3_bias_fold4, k_conv2d_3_mult, k_conv2d_3_shift, memory + 1612, y);
        break;
      case 4: /* conv2d_4: s8[1,10,8,8] = conv2d */
        run_conv2d_s8_fold4__dsp(
            row < 1 ? &p_conv2d_4[0] : row < 9 ? &p_conv2d_4[1] : &p_conv2d_4[2],
            enn_rows_line(&p_rows, memory, 3, row), k_w_4_fold4, k_conv2d_4_bias_fold4,
            k_conv2d_4_mult, k_conv2d_4_shift, memory + 1612, y);
        break;
      case 5: /* add: s8[1,10,8,8] = add */
        run_add_s8_same__dsp(
            &p_add[0], enn_rows_line(&p_rows, memory, 5, row),
            enn_rows_line(&p_rows, memory, 4, row), y);
        break;
    }
    enn_rows_done(&p_rows, memory, image);
  }
}

static __attribute__((noinline)) void run_max_pool2d_s8__dsp(
    const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x, int8_t *y) {
  enn_max_pool2d_s8__dsp(p, x, y);
}

static __attribute__((noinline)) void run_dense_s8_rows4__dsp(
    const ENN_CONST struct enn_dense_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  enn_dense_s8_rows4__dsp(p, x, w, bias, mult, shift, y);
}

static const ENN_CONST char enn_inputs_name_0[] = "input";
static const ENN_CONST struct enn_tensor enn_inputs[1] = {
    {
        .name = enn_inputs_name_0, .shape = {1, 20, 16, 3, 1, 1}, .rank = 4, .dtype = ENN_DTYPE_S8,
        .offset = 0, .bytes = 960, .scale_bits = 0x3CEF34D7u, .zero_point = -31,
    },
};

static const ENN_CONST char enn_outputs_name_0[] = "dense";
static const ENN_CONST struct enn_tensor enn_outputs[1] = {
    {
        .name = enn_outputs_name_0, .shape = {1, 4, 1, 1, 1, 1}, .rank = 2, .dtype = ENN_DTYPE_S8,
        .offset = 0, .bytes = 4, .scale_bits = 0x3CB0F27Cu, .zero_point = 19,
    },
};

static const ENN_CONST char enn_steps_name_0[] = "add";
static const ENN_CONST char enn_steps_name_1[] = "maxPool2d";
static const ENN_CONST char enn_steps_name_2[] = "dense";
static const ENN_CONST struct enn_step enn_steps[3] = {
    {
        .value = enn_steps_name_0, .offset = 64, .bytes = 640, .macs = 166400u,
    },
    {
        .value = enn_steps_name_1, .offset = 4, .bytes = 160, .macs = 0u,
    },
    {
        .value = enn_steps_name_2, .offset = 0, .bytes = 4, .macs = 640u,
    },
};

static const ENN_CONST char enn_model_name_0[] = "resnet";
static const ENN_CONST char enn_model_name_1[] = "tflite-int8";

const ENN_CONST struct enn_model enn_model = {
    .abi = ENN_MODEL_ABI,
    .model_hash = {0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00,0x00},
    .build_hash = {0x8e,0x01,0x72,0xfe,0x06,0x29,0x8e,0x26,0x07,0x02,0xa1,0xc9,0x03,0xc2,0xd9,0x07},
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
    case 0: /* add: s8[1,10,8,8] = rows */
      run_rows(memory);
      if (last == 1) return;
      /* fall through */
    case 1: /* maxPool2d: s8[1,5,4,8] = maxPool2d */
      run_max_pool2d_s8__dsp(&p_maxPool2d, memory + 64, memory + 4);
      if (last == 2) return;
      /* fall through */
    case 2: /* dense: s8[1,4] = dense */
      run_dense_s8_rows4__dsp(
          &p_dense, memory + 4, k_w_5_rows4, k_dense_bias_rows4, k_dense_mult, k_dense_shift,
          memory + 0);
      if (last == 3) return;
      /* fall through */
    default:
      return;
  }
}
