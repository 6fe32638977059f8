// shards.wgsl: how a sum over the batch is cut (kernels/c/enn_f32_math.h): 8 shards, shard s from
// first_of(s) to first_of(s + 1), and each shard into `chunks` parts that run side by side.

const SHARDS = 8u;

// floor(count s / 8), without the product overflowing.
fn shard_first(count: u32, s: u32) -> u32 {
  return (count / SHARDS) * s + ((count % SHARDS) * s) / SHARDS;
}
