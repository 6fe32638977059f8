// random.wgsl: Philox 4x32-10 (Salmon et al., SC 2011) and the dropout mask, bit for bit
// kernels/c/enn_f32_random.h: four elements of a counter each.

const PURPOSE_DROPOUT = 3u;

struct Params {
  n: u32,
  rate: f32,
  kept: f32, // 1 / (1 - rate)
  stream: u32,
  y: u32,
  key: u32, // [seed, epoch, step]
}
@group(1) @binding(0) var<storage, read> p: Params;

// The upper and lower halves of the 64 bits of a b, from 16-bit parts.
fn wide_product(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return vec2u((a >> 16u) * (b >> 16u) + (cross >> 16u) + (other >> 16u), a * b);
}

fn philox(start: vec4u, key: vec2u) -> vec4u {
  var counter = start;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let a = wide_product(0xd2511f53u, counter.x);
    let b = wide_product(0xcd9e8d57u, counter.z);
    counter = vec4u(b.x ^ counter.y ^ k.x, b.y, a.x ^ counter.w ^ k.y, a.y);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return counter;
}

// 0 where the uniform number (24 bits) is below rate, else kept.
@compute @workgroup_size(GROUP)
fn dropout_mask(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let block = flat(id, groups);
  let counter = vec4u(block, word(p.key + 2u), word(p.key + 1u), p.stream);
  let words = philox(counter, vec2u(word(p.key), PURPOSE_DROPOUT));
  for (var l = 0u; l < 4u && block * 4u + l < p.n; l++) {
    let uniform_number = f32(words[l] >> 8u) * (1.0 / 16777216.0);
    store(p.y + block * 4u + l, select(p.kept, 0.0, uniform_number < p.rate));
  }
}
