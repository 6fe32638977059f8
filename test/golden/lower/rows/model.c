/* resnet: tables and calls. Emitted by edge-nn; do not edit. */
#include "model.h"

#include "enn_rows.h"
#include "enn_s8_conv.h"
#include "enn_s8_dense.h"
#include "enn_s8_elementwise.h"
#include "enn_s8_pool.h"

static const ENN_CONST int8_t k_w[216] = {
    -75, 106, 86, 62, -48, 57, -53, -84, -36, 45, -60, 7, 107, -7, 49, -73, -101, -20, 85, 9, 34,
    -92, 122, 21, -118, -9, 64, -48, 8, -70, 28, -27, 38, 103, 67, -37, -112, -14, -42, 39, 112,
    -15, 69, 87, -52, -90, 29, 25, -110, -92, 116, 28, 51, -92, 97, -127, 112, 70, -29, 104, -118,
    36, 83, -126, -17, -121, 95, -38, -31, -56, 92, 36, 101, -29, 99, 86, -30, -117, 115, 11, -17,
    -3, -79, -32, -14, 125, -65, 2, -95, 109, 39, -84, -25, 30, -74, -25, -110, -71, 120, 18, -45,
    -27, -86, 74, 88, 112, 26, 36, 105, 84, -66, 116, 26, -118, 0, 98, -1, -14, -54, -30, -5, -75,
    13, 54, 76, -82, 96, -92, -116, 29, 63, 100, 51, -26, -91, 74, -108, -116, -41, 55, 66, -127,
    79, 62, 126, -45, 78, -85, -55, -25, 124, -19, -21, 22, -13, 17, -55, 39, -85, -69, 4, 43, 50,
    57, 112, 126, -120, 67, -82, 5, -85, -123, 54, 58, -119, 66, -29, 40, 114, 114, -31, -127, 22,
    48, -95, -73, 106, 51, -85, -60, 1, 69, 105, 116, 89, 66, -35, 123, -109, -115, 87, 88, -5, -49,
    12, -122, -9, 18, -97, 114, 118, 95, -125, -111, 3, 8,
};

static const ENN_CONST int32_t k_b[8] = {
    -17464, -16364, -10967, -13394, -1817, -4956, -13008, -11594,
};

static const ENN_CONST int32_t k_conv2d_mult[8] = {
    1262697539, 1151516635, 1524766941, 1588298912, 1588298912, 2001256452, 1842426615, 1318287991,
};

static const ENN_CONST int8_t k_conv2d_shift[8] = {
    -8, -8, -9, -10, -10, -9, -10, -8,
};

static const ENN_CONST int8_t k_w_2[576] = {
    8, 67, -50, -124, 47, -25, 79, -9, 95, 5, -69, -38, -107, -28, -41, -1, -113, 53, -111, -38,
    -40, 40, -94, -29, 56, 34, 35, 31, -62, -81, 87, -50, 91, 3, 92, 112, -21, 108, 124, -45, 27,
    -37, 60, -22, 15, 103, -55, -62, 15, -66, -69, 117, -103, -58, 19, -118, 59, -70, -124, 35, -84,
    -97, 65, 59, -31, -90, -97, -49, 36, -28, 18, 95, -78, 119, 114, -120, 117, -120, -110, -37, 55,
    89, 107, 78, -25, -99, 94, 45, -55, -65, 20, 96, 9, -58, -1, -68, 95, -102, -12, -69, 65, -100,
    -35, -15, -123, 41, -45, -69, -114, -41, 101, -92, 26, -36, 107, 121, -113, 116, -31, -102, 114,
    -49, 14, 51, -64, 4, -3, -6, 106, 115, 20, 91, 21, 31, 127, -3, -92, -50, -110, 0, 27, -79, 114,
    50, -32, 120, 53, 68, -23, 26, 24, -29, -83, -107, -99, 66, -23, 105, 125, 66, 71, -45, 59, -15,
    104, 91, -27, -103, -5, 56, 70, -74, -67, 1, 13, -21, 74, -8, 63, -109, -41, 28, -88, 114, -85,
    -98, 68, -103, -40, 115, 59, 120, -68, 50, 28, -33, 34, -41, -92, -12, -24, -27, 22, 46, -54,
    -68, 109, -11, 71, 96, -63, -115, 77, 108, -19, 108, -30, -64, -79, 19, 45, -18, 9, 39, -105,
    42, -40, 41, -117, -86, 85, 27, -80, 51, -67, -74, -67, -124, 5, 32, 87, 61, 46, -103, -80, 103,
    -4, 82, 30, -32, 45, 34, -41, -46, 67, 88, -32, -86, 7, 35, -16, -35, -81, -60, 122, 83, -8,
    -23, -40, -78, -19, -84, -69, 5, -58, -117, 45, 44, -98, -28, -59, 79, -50, 10, -126, -99, -97,
    -84, -75, -17, 44, 22, 125, 70, 80, 95, -91, 91, -88, 122, -78, -5, -5, -89, 7, 43, -71, 55, 14,
    106, 89, 122, 44, -75, 95, -80, -22, 51, 50, 109, 6, 74, 58, 86, -87, 87, -82, -100, -27, -56,
    85, 60, -5, -110, -91, -35, -35, 93, 34, 91, 48, -53, 78, 40, -82, 47, -17, -79, -110, 81, -57,
    -91, 96, 60, 74, 117, -74, -92, -50, -22, 18, 14, 18, -6, 74, 67, -14, 64, 41, -112, 98, -65,
    -83, -8, 53, 49, 92, -56, -15, 69, -107, 33, 106, -50, -76, 60, 26, 48, -19, 26, -100, -13, 103,
    104, 44, 52, 111, 93, -20, 9, -53, 125, 40, -4, -60, 70, 33, 81, 59, 25, -39, 32, -60, 127, 67,
    -125, 57, 45, -106, -47, 89, -79, -88, 18, 114, 60, -125, -116, -36, -56, -37, -79, -65, 121,
    53, 122, -74, 80, 42, 32, -103, -55, 117, -81, -115, 20, -107, 20, 126, -7, 3, -68, -50, 34,
    -37, 92, -69, -8, -103, 113, 48, -105, 13, 60, -92, 12, 91, 32, -22, -68, -38, 15, -46, -61,
    -24, -45, -17, 88, 124, -22, -116, -103, 90, 64, -18, -4, -43, -103, -32, 35, -74, 91, 67, 35,
    113, 122, 102, -91, 5, 52, 97, -113, 79, -18, -95, 51, -68, 74, 73, -20, -101, -27, -47, -50,
    94, 73, -91, 112, 84, -45, 124, 44, -32, 3, -44, 15, 120, 29, -35, -7, -48, 77, -72, -46, -10,
    6, 92, 93, 54, 40, 124, 9, 40, -107, 43, 90, -66, -93, 34, -116, 83, -91, -90, -104, -27, 38,
    12, -60, 85, 56, -34, 87, -10, 26, 114, -34, 69, 23, 127, 64, 96, 33, 98, -60, -127, 7,
};

static const ENN_CONST int32_t k_b_2[8] = {
    2882, -17305, 1562, 15763, 8520, 14119, -18382, 16062,
};

static const ENN_CONST int32_t k_conv2d_2_mult[8] = {
    1147703930, 1653471723, 1614566562, 1254693263, 1517303519, 1186609091, 1400587756, 1322777434,
};

static const ENN_CONST int8_t k_conv2d_2_shift[8] = {
    -9, -9, -9, -9, -10, -10, -10, -10,
};

static const ENN_CONST int8_t k_w_3[64] = {
    43, -88, 110, 112, 73, 55, 113, 113, -13, -54, -36, 42, -32, 113, 93, -70, -26, -115, -1, -19,
    94, -4, -18, -108, -97, 50, -53, -47, 6, -99, 15, 59, -85, 55, -96, 14, -84, -68, -47, -123,
    117, 123, 22, -91, -13, 14, 95, 78, 17, 120, 106, 98, 4, 96, 69, 46, 56, 41, 68, -30, -74, -69,
    73, 43,
};

static const ENN_CONST int32_t k_b_3[8] = {
    -4935, -19780, -13530, -18921, 12974, 5291, 3199, -18600,
};

static const ENN_CONST int32_t k_conv2d_3_mult[8] = {
    1159861798, 1240103742, 1488124550, 1378703599, 1429766736, 1867450439, 1254693195, 1210924835,
};

static const ENN_CONST int8_t k_conv2d_3_shift[8] = {
    -7, -7, -9, -7, -8, -9, -7, -7,
};

static const ENN_CONST int8_t k_w_4[576] = {
    -100, -71, 118, 75, -61, 16, 88, 108, 34, 64, -28, 88, -15, -109, -112, -115, 9, -123, 107, 4,
    29, 39, -21, 21, 51, -73, 73, 3, -12, -66, -55, -1, 60, -51, -73, -115, 108, 22, 6, 23, 40, 95,
    -6, -70, -67, -120, 30, -79, 108, 12, 8, -121, -104, -36, -89, -11, -48, -106, -85, 37, 32, 40,
    49, 66, -119, 48, 68, -77, -96, -87, -68, -28, -92, 43, 38, -120, -92, -17, -66, 113, -56, -72,
    79, 90, -97, -88, -59, -64, 0, 58, -76, -87, 99, 105, 87, -19, -30, -27, 18, -22, 120, 78, -73,
    4, -62, -87, -32, -126, -79, -79, 92, 10, 106, -8, -107, 15, 125, -101, 0, 104, 37, 85, 8, 18,
    33, 44, -74, -81, 106, -83, -101, 121, 83, 18, 60, 27, 32, 76, -7, 8, -50, -105, -5, 13, 81, 67,
    -4, 109, -119, 10, 113, -68, -17, -5, 114, -44, -68, -82, 79, -73, -74, 11, -64, 48, 79, 9, 2,
    84, 100, -30, -75, 42, 125, -63, 7, 106, -6, 12, 0, -29, -93, -41, 64, -70, -32, 81, -36, 62,
    -26, -32, -59, -43, -48, -18, 52, -5, -76, -36, -40, 17, -60, -107, -54, 118, 100, -36, -39,
    -21, 45, 0, -113, 10, 68, -98, 96, 120, -35, -110, -75, -32, 88, -71, 96, 119, 49, -18, -121,
    -6, -89, -60, 12, -18, -90, -80, 124, -12, 125, -5, -42, 10, -51, 107, -7, 75, -103, -41, 46,
    -70, -42, 71, -82, 102, -102, -10, 102, -5, -123, -124, 80, -3, -89, 12, -60, 35, 104, 17, -116,
    -7, -45, -44, 41, 7, -46, -61, -103, 98, 39, 69, 121, 72, -56, 27, 54, -99, -94, 71, 109, -100,
    96, 98, 114, -76, 93, -100, -12, -6, 112, 29, 23, 122, -49, -34, 71, -121, 116, -69, -44, 118,
    125, 20, 123, 36, -116, -82, 4, 83, 116, 12, -104, -118, 78, -17, 92, 28, 25, 28, 54, 10, 51,
    -79, -14, 73, 2, -127, 127, 52, 22, 24, 69, 12, -38, -7, -47, 89, -23, -81, 102, -88, 88, 99, 4,
    -35, -82, -103, 106, 11, -101, -32, 42, -120, -111, 63, 67, -111, 17, -120, 26, 35, 77, -90,
    -60, 109, 111, 104, 68, -35, 33, 41, 99, -51, -16, -23, -81, 119, 12, -2, 109, 123, 25, -30, 49,
    4, -90, 91, -116, 44, 30, 29, 26, 101, -15, 78, 22, -82, -50, -27, -114, -3, -4, -30, 89, -58,
    -49, 84, -105, 112, 26, -69, 101, 71, -2, 102, -82, -105, 76, -51, -98, -73, 104, -21, 91, 116,
    116, -49, -25, -13, 2, -51, 73, 82, 77, 64, -116, -38, 34, -26, 58, -108, 79, 42, -33, -13, 74,
    37, 114, 72, -114, -5, -35, 113, -74, -73, -40, -123, -51, -23, -88, 36, 38, -114, 35, -1, -7,
    -78, -70, -95, -79, 10, 1, 75, 29, 76, -9, 28, 23, 42, -65, -92, -116, 48, -99, -110, -31, 16,
    126, 7, 55, -60, 42, 13, -60, -38, -111, -85, 38, 119, 89, 24, 31, -48, -71, -19, 57, -73, -103,
    -103, -75, 18, 93, -75, -61, -44, -100, -65, 37, 100, -115, 43, -8, -36, 103, 31, 35, -99, -90,
    -87, -65, -59, -63, 113, 45, -23, 95, -97, 66, 80, -79, -96, 125, 72, 61, -91, 2, 27, -73, -110,
    -55, 0, -4, 99, 17, -72, -65, -125, 79, 108, 51, -26, 99, 20, -66, 117, 57, -4, -72, 61,
};

static const ENN_CONST int32_t k_b_4[8] = {
    2728, 2189, -13814, 709, -17690, -12273, -14078, 15228,
};

static const ENN_CONST int32_t k_conv2d_4_mult[8] = {
    1293598421, 1809092629, 1458945620, 1099072430, 2042523843, 1458945620, 1750734794, 1847997852,
};

static const ENN_CONST int8_t k_conv2d_4_shift[8] = {
    -9, -9, -10, -9, -10, -9, -10, -10,
};

static const ENN_CONST int8_t k_w_5[640] = {
    -83, 68, -1, -116, -47, 106, 36, 1, 68, -42, -31, -70, -122, 53, -63, 39, -13, 57, -15, -71,
    -101, 53, 76, -43, 66, 14, -16, -63, -111, 63, 14, 97, -124, -69, 62, 32, -14, 122, 68, -11, 53,
    -39, -61, -100, -29, 20, -20, -101, 82, 110, 90, -69, 84, -123, 12, -114, -43, -69, -12, 97,
    -104, -63, 109, -88, 124, -41, 7, -25, 52, -57, -65, 121, 110, -40, 58, 33, -111, -44, -119, 47,
    54, 63, -110, -97, 111, 58, 27, 28, -108, -63, -73, 58, 51, 92, 46, -20, -19, 8, -37, -34, -42,
    -95, -105, -3, -58, -104, 94, 96, 49, 12, 65, -87, -41, -23, -106, 14, 105, 125, -48, 77, -78,
    72, -34, -64, 125, 90, 87, 96, -113, -7, 100, -31, 71, -29, -54, -39, 113, 28, -26, -23, -58,
    -34, -62, 67, 17, 88, 74, -66, 54, -122, 114, -35, 85, -120, 9, -103, 83, -32, -54, 106, 127,
    -83, 126, -68, -38, -73, 115, -2, -98, -76, 60, -102, 106, 112, 29, 87, -76, 69, 46, 114, -103,
    111, 9, -19, -98, -81, -23, -47, -9, 3, -28, -6, -106, -60, -4, 32, -120, -11, 80, 12, -80, 31,
    125, 48, -93, 67, -93, 60, -36, 59, -53, 29, -21, -18, -51, -27, 76, 4, 120, 48, -1, 22, 93,
    -54, -104, 103, -30, -112, 33, 17, -34, -84, -53, -126, 42, -63, -93, 122, -58, 67, 51, 15, 120,
    -8, 69, 115, 114, 71, 72, -23, -126, 15, -118, 71, -29, -70, -95, 47, 102, 91, 89, 112, 124, 99,
    -98, -92, -11, -105, -57, -56, -127, 111, -62, 69, -64, 53, 3, -64, -21, -24, 104, 119, 56, -59,
    115, -8, -58, 14, -66, 14, 106, -42, 77, -4, 33, 119, 47, -89, 125, -87, 36, -85, -126, -41,
    -85, -15, 98, -95, 112, -57, 55, 17, 10, 94, 13, -120, 61, 71, 10, -1, -55, -126, 55, 2, -73,
    101, 94, -40, 59, -32, -23, 75, 107, -83, 19, -23, -36, 81, -117, 94, 37, 78, -96, -21, 115, -6,
    -8, -106, -49, 81, -56, -12, 3, -45, -1, -76, -73, -53, 83, -70, -32, 115, -58, 41, -74, 93, -8,
    -93, -13, 17, -38, 35, 76, 52, -77, -79, 3, -14, 54, 74, -96, -64, -44, -54, 29, -40, -4, -5,
    -73, 109, 105, 2, -78, 13, -118, 117, -16, -58, 26, -125, 120, 71, 92, 120, -41, -22, -101, 116,
    40, 47, 113, -60, -77, -72, 52, 42, 25, 109, -54, 55, 41, -61, -9, -18, 0, 9, 39, -38, -78, -88,
    -94, 104, 74, 78, 3, -28, 54, -26, 78, -127, 65, 116, -44, 126, -46, 95, -110, -118, -97, 126,
    -36, -104, 70, -48, -80, 110, 90, -70, 77, -102, -42, -1, 105, 59, 74, 115, -17, 120, -92, 1,
    -117, 35, 109, 14, 18, -10, -44, -12, -90, 61, -8, -94, -90, 68, -115, -39, 122, -36, -112, 58,
    -24, -111, -50, -28, -21, 29, 16, -73, 24, 90, 68, -49, -27, -118, 88, 89, 118, -86, 72, -62,
    -55, -32, 107, -76, -20, 55, -67, 81, -114, 84, -127, 97, 95, -91, -11, -26, -5, -116, -96, -79,
    -8, 115, -107, -43, -1, 55, -117, 72, 33, -19, 113, 90, 119, 121, -80, -94, 90, -72, -42, -16,
    69, -56, 112, 90, -6, -22, -94, -18, -106, -72, -17, 85, -85, 26, 55, -86, 101, -24, -51, -62,
    72, -80, 118, 42, 12, 10, 69, -94, -106, 75, 96, -87, 26, 13, 73, 70, 127, 99, -107, 18, 41,
    -95, -41, 52, 28, 104, 50, -54, -119, -64, 103, 95, -108, 74, -63, 86, 55, 68, 16, -100, 125,
    -127, 31, 91, -119, 84, 107, 65, -25, 82, 18, 65, 49, 84, 8, -34, -82, 43, 88, 17, -86, 21, -89,
    -7, 108, 127, 105, -72, 41, 36,
};

static const ENN_CONST int32_t k_b_5[4] = {
    -17051, 1541, -15135, -1240,
};

static const ENN_CONST int32_t k_dense_mult[1] = {
    2074823835,
};

static const ENN_CONST int8_t k_dense_shift[1] = {
    -10,
};

static const ENN_CONST struct enn_row_image p_rows_images[6] = {
    {
        .rows = 20, .lines = 20, .line_bytes = 48, .at = 336, .first_feed = 0, .feeds = 0,
    },
    {
        .rows = 20, .lines = 3, .line_bytes = 128, .at = 0, .first_feed = 0, .feeds = 1,
    },
    {
        .rows = 10, .lines = 3, .line_bytes = 64, .at = 1372, .first_feed = 1, .feeds = 1,
    },
    {
        .rows = 10, .lines = 1, .line_bytes = 64, .at = 1308, .first_feed = 2, .feeds = 1,
    },
    {
        .rows = 10, .lines = 1, .line_bytes = 64, .at = 384, .first_feed = 3, .feeds = 1,
    },
    {
        .rows = 10, .lines = 10, .line_bytes = 64, .at = 448, .first_feed = 4, .feeds = 2,
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
    .images = p_rows_images, .feeds = p_rows_feeds, .count = 6, .next = 1296, .streams = 0,
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

static const ENN_CONST struct enn_add_s8 p_add[1] = {
    {
        .dims = {1, 1, 1, 64}, .a_stride = {0, 0, 0, 1}, .b_stride = {0, 0, 0, 1}, .a_zero = 118,
        .b_zero = -25, .out_zero = 98, .clamp_min = 98, .clamp_max = 127, .a_mult = 1466709132,
        .a_shift = -2, .b_mult = 1073741824, .b_shift = 0, .out_mult = 1154049414, .out_shift = -17,
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

static __attribute__((noinline)) void run_conv2d_s8__ref(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  enn_conv2d_s8__ref(p, x, w, bias, mult, shift, y);
}

static __attribute__((noinline)) void run_add_s8__ref(
    const ENN_CONST struct enn_add_s8 *p, const int8_t *a, const int8_t *b, int8_t *y) {
  enn_add_s8__ref(p, a, b, y);
}

static __attribute__((noinline)) void run_row(int8_t *memory, int32_t image) {
  const int32_t row = enn_rows_row(&p_rows, memory, image);
  int8_t *const y = enn_rows_room(&p_rows, memory, image);
  switch (image) {
    case 1: /* conv2d: s8[1,20,16,8] = conv2d */
      run_conv2d_s8__ref(
          row < 1 ? &p_conv2d[0] : row < 19 ? &p_conv2d[1] : &p_conv2d[2],
          enn_rows_line(&p_rows, memory, 0, row), k_w, k_b, k_conv2d_mult, k_conv2d_shift, y);
      break;
    case 2: /* conv2d_2: s8[1,10,8,8] = conv2d */
      run_conv2d_s8__ref(
          row < 9 ? &p_conv2d_2[0] : &p_conv2d_2[1], enn_rows_line(&p_rows, memory, 1, row), k_w_2,
          k_b_2, k_conv2d_2_mult, k_conv2d_2_shift, y);
      break;
    case 3: /* conv2d_3: s8[1,10,8,8] = conv2d */
      run_conv2d_s8__ref(
          &p_conv2d_3[0], enn_rows_line(&p_rows, memory, 2, row), k_w_3, k_b_3, k_conv2d_3_mult,
          k_conv2d_3_shift, y);
      break;
    case 4: /* conv2d_4: s8[1,10,8,8] = conv2d */
      run_conv2d_s8__ref(
          row < 1 ? &p_conv2d_4[0] : row < 9 ? &p_conv2d_4[1] : &p_conv2d_4[2],
          enn_rows_line(&p_rows, memory, 3, row), k_w_4, k_b_4, k_conv2d_4_mult, k_conv2d_4_shift,
          y);
      break;
    case 5: /* add: s8[1,10,8,8] = add */
      run_add_s8__ref(
          &p_add[0], enn_rows_line(&p_rows, memory, 4, row), enn_rows_line(&p_rows, memory, 5, row),
          y);
      break;
  }
  enn_rows_done(&p_rows, memory, image);
}

static __attribute__((noinline)) void run_max_pool2d_s8__ref(
    const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x, int8_t *y) {
  enn_max_pool2d_s8__ref(p, x, y);
}

static __attribute__((noinline)) void run_dense_s8__ref(
    const ENN_CONST struct enn_dense_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  enn_dense_s8__ref(p, x, w, bias, mult, shift, y);
}

static const ENN_CONST char enn_inputs_name_0[] = "input";
static const ENN_CONST struct enn_tensor enn_inputs[1] = {
    {
        .name = enn_inputs_name_0, .shape = {1, 20, 16, 3, 1, 1}, .rank = 4, .dtype = ENN_DTYPE_S8,
        .offset = 336, .bytes = 960, .scale_bits = 0x3CEF34D7u, .zero_point = -31,
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
        .value = enn_steps_name_0, .offset = 448, .bytes = 640, .macs = 166400u,
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
    .build_hash = {0xba,0xf8,0x35,0xd2,0x44,0x58,0xe0,0x0b,0x6b,0x64,0xbb,0x71,0x26,0x7e,0x51,0x11},
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
      enn_rows_begin(&p_rows, memory);
      for (int32_t i; (i = enn_rows_next(&p_rows, memory)) >= 0;) run_row(memory, i);
      if (last == 1) return;
      /* fall through */
    case 1: /* maxPool2d: s8[1,5,4,8] = maxPool2d */
      run_max_pool2d_s8__ref(&p_maxPool2d, memory + 448, memory + 4);
      if (last == 2) return;
      /* fall through */
    case 2: /* dense: s8[1,4] = dense */
      run_dense_s8__ref(
          &p_dense, memory + 4, k_w_5, k_b_5, k_dense_mult, k_dense_shift, memory + 0);
      if (last == 3) return;
      /* fall through */
    default:
      return;
  }
}
