// conv2d.wgsl: y[m][o] = b[o] + sum over k of x[m, k] w[o][k]; for gemm.wgsl, with window m and tap
// k as in image.wgsl and weights w[OC][KH][KW][C].

struct Params {
  gemm: Gemm,
  window: Window,
  x: u32,
  w: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn a_row(m: u32) -> vec4i { return window_half(m); }
fn a_col(k: u32) -> vec4i { return tap_half(k); }
fn load_a(row: vec4i, col: vec4i) -> f32 { return load_image(p.x, row, col); }
fn b_row(o: u32) -> vec4i { return vec4i(i32(o * p.gemm.unit), 0, 0, 0); }
fn b_col(k: u32) -> vec4i { return vec4i(i32(k), 0, 0, 0); }
fn load_b(row: vec4i, col: vec4i) -> f32 { return load_sum(p.w, row, col); }
