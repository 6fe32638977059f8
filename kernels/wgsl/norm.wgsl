// norm.wgsl: y = gamma (x - mean) / sqrt(variance + epsilon) + beta over x[n / channels][channels].

struct Params {
  n: u32,
  channels: u32,
  epsilon: f32,
  y: u32,
  x: u32,
  gamma: u32,
  beta: u32,
  mean: u32,
  variance: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  if (i >= p.n) {
    return;
  }
  let c = i % p.channels;
  let scale = load(p.gamma + c) / sqrt(load(p.variance + c) + p.epsilon);
  store(p.y + i, scale * (load(p.x + i) - load(p.mean + c)) + load(p.beta + c));
}
