// conv2d_grad_input.wgsl: dx[n, h, w][c] = sum over k = (u, v, o) of dy[n, i, j][o] w[o][u][v][c]
// where window (i, j) has element (u, v) on pixel (h, w); for gemm.wgsl.

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
  return vec4i(image * q.oh * q.ow, hw / q.w + q.pt, hw % q.w + q.pl, 1);
}

fn a_col(k: u32) -> vec4i {
  let q = p.window;
  let uv = i32(k) / q.oc;
  return vec4i(i32(k) % q.oc, uv / q.kw * q.dh, uv % q.kw * q.dw, 1);
}

fn load_a(pixel: vec4i, tap: vec4i) -> f32 {
  let q = p.window;
  let row = pixel.y - tap.y;
  let column = pixel.z - tap.z;
  if (pixel.w == 0 || tap.w == 0 || row < 0 || column < 0) {
    return 0.0;
  }
  let i = row / q.sh;
  let j = column / q.sw;
  if (i * q.sh != row || j * q.sw != column || i >= q.oh || j >= q.ow) {
    return 0.0;
  }
  return load(p.dy + u32((pixel.x + i * q.ow + j) * q.oc + tap.x));
}

fn b_row(c: u32) -> vec4i { return vec4i(i32(c), 0, 0, 1); }

fn b_col(k: u32) -> vec4i {
  let q = p.window;
  return vec4i((i32(k) % q.oc * q.kh * q.kw + i32(k) / q.oc) * q.c, 0, 0, 1);
}

fn load_b(row: vec4i, col: vec4i) -> f32 { return load_sum(p.w, row, col); }
