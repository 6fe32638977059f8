// matmul.wgsl: y[m][n] = a[m][k] b[k][n] + bias[n], any strides; for gemm.wgsl.

struct Params {
  gemm: Gemm,
  a: u32,
  b: u32,
  a_row: u32, // a's element (i, k) lies at a[i * a_row + k * a_k]
  a_k: u32,
  b_k: u32, // b's element (k, j) lies at b[k * b_k + j * b_col]
  b_col: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn a_row(i: u32) -> vec4i { return vec4i(i32(i * p.a_row), 0, 0, 0); }
fn a_col(k: u32) -> vec4i { return vec4i(i32(k * p.a_k), 0, 0, 0); }
fn load_a(row: vec4i, col: vec4i) -> f32 { return load_sum(p.a, row, col); }
fn b_row(j: u32) -> vec4i { return vec4i(i32(j * p.b_col), 0, 0, 0); }
fn b_col(k: u32) -> vec4i { return vec4i(i32(k * p.b_k), 0, 0, 0); }
fn load_b(row: vec4i, col: vec4i) -> f32 { return load_sum(p.b, row, col); }
