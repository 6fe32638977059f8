// binary.wgsl: y = a op b with broadcasting; y is dense. `apply` is added for each kernel.

struct Params {
  n: u32,
  y: u32,
  a: u32,
  b: u32,
  over: Strided,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn add(a: f32, b: f32) -> f32 { return a + b; }
fn sub(a: f32, b: f32) -> f32 { return a - b; }
fn mul(a: f32, b: f32) -> f32 { return a * b; }
fn div(a: f32, b: f32) -> f32 { return a / b; }
fn equal(a: f32, b: f32) -> f32 { return select(0.0, 1.0, a == b); }

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  if (i < p.n) {
    let at = positions(i);
    store(p.y + i, apply(load(p.a + at.x), load(p.b + at.y)));
  }
}
