// image.wgsl: the elements of images as windows see them, for gemm.wgsl: window m = (n, i, j), tap
// k = (u, v, c). The halves are (offset, row, column, valid), counted from the image's beginning.

fn window_half(m: u32) -> vec4i {
  let q = p.window;
  let windows = q.oh * q.ow;
  let image = i32(m) / windows;
  let ij = i32(m) % windows;
  let top = ij / q.ow * q.sh - q.pt;
  let left = ij % q.ow * q.sw - q.pl;
  return vec4i(((image * q.h + top) * q.w + left) * q.c, top, left, 1);
}

fn tap_half(k: u32) -> vec4i {
  let q = p.window;
  let uv = i32(k) / q.c;
  let down = uv / q.kw * q.dh;
  let right = uv % q.kw * q.dw;
  return vec4i((down * q.w + right) * q.c + i32(k) % q.c, down, right, 1);
}

fn load_image(base: u32, window: vec4i, tap: vec4i) -> f32 {
  let row = window.y + tap.y;
  let column = window.z + tap.z;
  let inside = row >= 0 && row < p.window.h && column >= 0 && column < p.window.w;
  if (window.w == 0 || tap.w == 0 || !inside) {
    return 0.0;
  }
  return load(base + u32(window.x + tap.x));
}
