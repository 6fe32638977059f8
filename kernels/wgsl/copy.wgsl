// copy.wgsl: 32-bit elements from x (strides a) to y (strides b).

struct Params {
  n: u32,
  y: u32,
  x: u32,
  over: Strided,
}
@group(1) @binding(0) var<storage, read> p: Params;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  if (i < p.n) {
    let at = positions(i);
    set_word(p.y + at.y, word(p.x + at.x));
  }
}
