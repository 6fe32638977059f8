// reduce.wgsl: sums and extremes over axes. An output is the total of `step` (added for each kernel)
// over the reduced elements, cut into parts: the shards of `rows`, each `unit` elements a row, and
// every shard's elements dealt out in turn to its chunks. y[part][outputs].

struct Dims {
  rank: u32,
  size: array<u32, 6>,
  stride: array<u32, 6>,
}

struct Params {
  outputs: u32,
  shards: u32, // 8, or 1: all in one part
  chunks: u32, // parts of a shard
  rows: u32,
  unit: u32,
  start: f32,
  y: u32,
  x: u32,
  mean: u32, // of every output, for squares
  kept: Dims,
  reduced: Dims,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn kept_position(o: u32) -> u32 {
  var rest = o;
  var at = 0u;
  for (var d = p.kept.rank; d > 1u; d--) {
    let size = p.kept.size[d - 1u];
    at += rest % size * p.kept.stride[d - 1u];
    rest /= size;
  }
  return at + rest * p.kept.stride[0];
}

fn reduced_position(i: u32) -> u32 {
  var rest = i;
  var at = 0u;
  for (var d = p.reduced.rank; d > 1u; d--) {
    let size = p.reduced.size[d - 1u];
    at += rest % size * p.reduced.stride[d - 1u];
    rest /= size;
  }
  return at + rest * p.reduced.stride[0];
}

fn add_value(total: f32, v: f32, o: u32) -> f32 { return total + v; }
fn add_square(total: f32, v: f32, o: u32) -> f32 {
  let d = v - load(p.mean + o);
  return total + d * d;
}
fn larger(total: f32, v: f32, o: u32) -> f32 { return select(total, v, v > total); }
fn smaller(total: f32, v: f32, o: u32) -> f32 { return select(total, v, v < total); }

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  let part = i / p.outputs;
  if (part >= p.shards * p.chunks) {
    return;
  }
  let o = i % p.outputs;
  let shard = part / p.chunks;
  let base = p.x + kept_position(o);
  var first = 0u;
  var end = p.rows * p.unit;
  if (p.shards > 1u) {
    first = shard_first(p.rows, shard) * p.unit;
    end = shard_first(p.rows, shard + 1u) * p.unit;
  }
  var total = p.start;
  for (var k = first + part % p.chunks; k < end; k += p.chunks) {
    total = step(total, load(base + reduced_position(k)), o);
  }
  store(p.y + i, total);
}
