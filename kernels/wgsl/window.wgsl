// window.wgsl: the geometry of a sliding window, as in kernels/c/enn_f32_window.h:
// x[N][H][W][C] -> y[N][OH][OW][OC]; output (i, j) sees rows i*SH - PT + u*DH and columns
// j*SW - PL + v*DW for u < KH, v < KW.

struct Window {
  n: i32, h: i32, w: i32, c: i32,
  oh: i32, ow: i32, oc: i32,
  kh: i32, kw: i32,
  sh: i32, sw: i32,
  pt: i32, pl: i32,
  dh: i32, dw: i32,
}
