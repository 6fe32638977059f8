// combine.wgsl: y[o] = sum over parts of x[part][o] / count. The parts of a shard are added one
// after the other, the shards as ((0+1)+(2+3)) + ((4+5)+(6+7)).

struct Params {
  outputs: u32,
  parts: u32,
  count: f32,
  y: u32,
  x: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn shard_sum(o: u32, shard: u32) -> f32 {
  let end = shard_first(p.parts, shard + 1u);
  var sum = 0.0;
  for (var part = shard_first(p.parts, shard); part < end; part++) {
    sum += load(p.x + part * p.outputs + o);
  }
  return sum;
}

// A thread an output.
@compute @workgroup_size(GROUP)
fn many(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let o = flat(id, groups);
  if (o >= p.outputs) {
    return;
  }
  var ones = 0.0;
  var twos = 0.0;
  var fours = 0.0;
  var sum = 0.0;
  for (var shard = 0u; shard < SHARDS; shard++) {
    sum = shard_sum(o, shard);
    if ((shard & 1u) == 0u) {
      ones = sum;
      continue;
    }
    sum = ones + sum;
    if ((shard & 2u) == 0u) {
      twos = sum;
      continue;
    }
    sum = twos + sum;
    if ((shard & 4u) == 0u) {
      fours = sum;
    }
  }
  store(p.y + o, (fours + sum) / p.count);
}

var<workgroup> sums: array<f32, 64>; // [shard][output]

// A thread a shard of an output; a workgroup does 8 outputs.
@compute @workgroup_size(64)
fn few(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let o = (group.y * groups.x + group.x) * 8u + t % 8u;
  sums[t] = 0.0;
  if (o < p.outputs) {
    sums[t] = shard_sum(o, t / 8u);
  }
  workgroupBarrier();
  if (t < 8u && o < p.outputs) {
    let left = (sums[t] + sums[t + 8u]) + (sums[t + 16u] + sums[t + 24u]);
    let right = (sums[t + 32u] + sums[t + 40u]) + (sums[t + 48u] + sums[t + 56u]);
    store(p.y + o, (left + right) / p.count);
  }
}
