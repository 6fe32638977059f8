// conv2d_grad_weights.wgsl: dw[o][k] = sum over m of dy[m][o] x[m, k]; for gemm.wgsl, with window m
// and tap k as in image.wgsl.

struct Params {
  gemm: Gemm,
  window: Window,
  x: u32,
  dy: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn a_row(o: u32) -> vec4i { return vec4i(i32(o), 0, 0, 0); }
fn a_col(m: u32) -> vec4i { return vec4i(i32(m) * p.window.oc, 0, 0, 0); }
fn load_a(row: vec4i, col: vec4i) -> f32 { return load_sum(p.dy, row, col); }
fn b_row(k: u32) -> vec4i { return tap_half(k); }
fn b_col(m: u32) -> vec4i { return window_half(m); }
fn load_b(row: vec4i, col: vec4i) -> f32 { return load_image(p.x, col, row); }
