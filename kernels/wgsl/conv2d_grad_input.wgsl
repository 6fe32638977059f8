// conv2d_grad_input.wgsl: dx[n, h, w][c] = sum over k = (u, v, o) of dy[n, i, j][o] w[o][u][v][c]
// where window (i, j) has element (u, v) on pixel (h, w); for gemm.wgsl.
// STRIDED is a constant of the pipeline: whether a stride is more than 1.

struct Params {
  gemm: Gemm,
  window: Window,
  dy: u32,
  w: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

// (first output of the image, row and column in the padded image)
fn a_row(m: u32) -> vec4i {
  let q = p.window;
  let image = i32(m) / (q.h * q.w);
  let hw = i32(m) % (q.h * q.w);
  return vec4i(image * q.oh * q.ow, hw / q.w + q.pt, hw % q.w + q.pl, 0);
}

// (channel, row and column from the element back to its window)
fn a_col(k: u32) -> vec4i {
  let q = p.window;
  let uv = i32(k) / q.oc;
  return vec4i(i32(k) % q.oc, -(uv / q.kw * q.dh), -(uv % q.kw * q.dw), 0);
}

fn load_a(pixel: vec4i, tap: vec4i) -> f32 {
  let q = p.window;
  let at = vec2i(pixel.y + tap.y, pixel.z + tap.z);
  var window = at;
  var exists = all(at >= vec2i(0, 0));
  if (STRIDED) {
    window = at / vec2i(q.sh, q.sw);
    exists &= all(window * vec2i(q.sh, q.sw) == at);
  }
  exists &= all(window < vec2i(q.oh, q.ow));
  let dy = p.dy + u32((pixel.x + window.x * q.ow + window.y) * q.oc + tap.x);
  return select(0.0, load(dy), exists);
}

fn b_row(c: u32) -> vec4i { return vec4i(i32(c), 0, 0, 0); }

fn b_col(k: u32) -> vec4i {
  let q = p.window;
  return vec4i((i32(k) % q.oc * q.kh * q.kw + i32(k) / q.oc) * q.c, 0, 0, 0);
}

fn load_b(row: vec4i, col: vec4i) -> f32 { return load_sum(p.w, row, col); }
