// axis.wgsl: the first index of the largest or smallest element along an axis, as a float:
// x[outer][n][inner], y[outer][inner].

struct Params {
  outputs: u32,
  n: u32,
  inner: u32,
  y: u32,
  x: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn first_extreme(o: u32, sign: f32) -> f32 {
  let column = p.x + o / p.inner * p.n * p.inner + o % p.inner;
  var best = sign * load(column);
  var index = 0u;
  for (var k = 1u; k < p.n; k++) {
    let v = sign * load(column + k * p.inner);
    if (v > best) {
      best = v;
      index = k;
    }
  }
  return f32(index);
}

@compute @workgroup_size(GROUP)
fn arg_max(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let o = flat(id, groups);
  if (o < p.outputs) {
    store(p.y + o, first_extreme(o, 1.0));
  }
}

@compute @workgroup_size(GROUP)
fn arg_min(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let o = flat(id, groups);
  if (o < p.outputs) {
    store(p.y + o, first_extreme(o, -1.0));
  }
}
