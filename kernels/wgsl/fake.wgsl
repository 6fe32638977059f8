// fake.wgsl: fake quantization, its gradient and its derivative by the scale, as in
// kernels/c/enn_f32_fake.h; `apply` (added for each kernel) calls one of the functions.

struct Params {
  n: u32,
  inner: u32, // elements of a channel in a row
  channels: u32,
  y: u32,
  x: u32,
  scale: u32,
  limits: u32, // low, high, relative to the zero point
  dy: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

// Halves away from 0.
fn round_away(v: f32) -> f32 {
  let a = abs(v);
  let whole = floor(a);
  return sign(v) * select(whole, whole + 1.0, a - whole >= 0.5);
}

fn fake_quantize(v: f32, s: f32, low: f32, high: f32, i: u32) -> f32 {
  return s * clamp(round_away(v), low, high);
}
fn fake_quantize_grad(v: f32, s: f32, low: f32, high: f32, i: u32) -> f32 {
  return select(0.0, load(p.dy + i), v >= low && v <= high);
}
fn fake_quantize_slope(v: f32, s: f32, low: f32, high: f32, i: u32) -> f32 {
  return select(select(round_away(v) - v, high, v >= high), low, v <= low);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  if (i < p.n) {
    let s = max(load(p.scale + i / p.inner % p.channels), 1e-30);
    let v = load(p.x + i) / s;
    store(p.y + i, apply(v, s, load(p.limits), load(p.limits + 1u), i));
  }
}
