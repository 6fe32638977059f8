// image.wgsl: the elements of images as windows see them, for gemm.wgsl: window m = (n, i, j), tap
// k = (u, v, c). The halves are (offset, row, column), offsets counted from the first image's beginning.

fn window_half(m: u32) -> vec4i {
  let q = p.window;
  let windows = q.oh * q.ow;
  let image = i32(m) / windows;
  let ij = i32(m) % windows;
  let top = ij / q.ow * q.sh - q.pt;
  let left = ij % q.ow * q.sw - q.pl;
  return vec4i(((image * q.h + top) * q.w + left) * q.c, top, left, 0);
}

fn tap_half(k: u32) -> vec4i {
  let q = p.window;
  let uv = i32(k) / q.c;
  let down = uv / q.kw * q.dh;
  let right = uv % q.kw * q.dw;
  return vec4i((down * q.w + right) * q.c + i32(k) % q.c, down, right, 0);
}

fn load_image(base: u32, window: vec4i, tap: vec4i) -> f32 {
  let at = vec2u(bitcast<u32>(window.y + tap.y), bitcast<u32>(window.z + tap.z));
  let inside = all(at < vec2u(u32(p.window.h), u32(p.window.w)));
  return select(0.0, load(base + u32(window.x + tap.x)), inside);
}
