// combine.wgsl: y[o] = sum over parts of x[part][o] / count. The parts of a shard are added one
// after the other, the shards as ((0+1)+(2+3)) + ((4+5)+(6+7)). A workgroup does 8 outputs.

struct Params {
  outputs: u32,
  parts: u32,
  count: f32,
  y: u32,
  x: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

var<workgroup> sums: array<f32, 64>; // [shard][output]

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let o = (group.y * groups.x + group.x) * 8u + t % 8u;
  let shard = t / 8u;
  var sum = 0.0;
  if (o < p.outputs) {
    let end = shard_first(p.parts, shard + 1u);
    for (var part = shard_first(p.parts, shard); part < end; part++) {
      sum += load(p.x + part * p.outputs + o);
    }
  }
  sums[t] = sum;
  workgroupBarrier();
  if (t < 8u && o < p.outputs) {
    let left = (sums[t] + sums[t + 8u]) + (sums[t + 16u] + sums[t + 24u]);
    let right = (sums[t + 32u] + sums[t + 40u]) + (sums[t + 48u] + sums[t + 56u]);
    store(p.y + o, (left + right) / p.count);
  }
}
