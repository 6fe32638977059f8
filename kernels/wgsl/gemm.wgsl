// gemm.wgsl: the tiled product that matrix products and convolutions are made of.
//
//   y[part][i][j] = bias[j] + sum over the part's k of A(i, k) B(k, j),   i < m, j < n
//
// k runs over `rows` times `unit` elements (a batch and what an example has). Where SHARDED, its sum
// is taken in shards of the rows: TREE adds them in one part; else chunks of shards are parts, which
// combine.wgsl adds. Within a shard or chunk the sum is one chain over ascending k, so the result
// does not depend on the tile.
//
// A workgroup computes TILE_M x TILE_N, a thread 4 x 4. TILE_M, TILE_N, SHARDED, TREE and
// whether neighbours in memory are neighbours in k (A_ALONG_K, B_ALONG_K) are constants of the
// pipeline. A family says how an element is found, in two halves that are computed once and kept in workgroup
// memory: a_row(i), a_col(k) and load_a(row, col), which gives 0 where a half is missing; b
// likewise.

const TILE_K = 16u;
const ACROSS_M = TILE_M / 4u;
const ACROSS_N = TILE_N / 4u;
const THREADS = ACROSS_M * ACROSS_N;

struct Gemm {
  m: u32,
  n: u32,
  rows: u32,
  unit: u32,
  chunks: u32, // parts of a shard
  y: u32,
  bias: u32, // where it lies, or NONE
}

const NONE = 0xffffffffu;

// A half's y is not negative, and neither is the sum of two; it is where one is missing.
const MISSING = vec4i(0, -0x40000000, 0, 0);

// The element at offset row.x + col.x. What is read for a missing one is not used.
fn load_sum(base: u32, row: vec4i, col: vec4i) -> f32 {
  return select(0.0, load(base + u32(row.x + col.x)), row.y + col.y >= 0);
}

var<workgroup> a_rows: array<vec4i, TILE_M>;
var<workgroup> b_rows: array<vec4i, TILE_N>;
var<workgroup> a_cols: array<vec4i, TILE_K>;
var<workgroup> b_cols: array<vec4i, TILE_K>;
// [k][four of i or j]; one more per k keeps threads along k on different banks.
var<workgroup> a_tile: array<vec4f, TILE_K * (ACROSS_M + 1u)>;
var<workgroup> b_tile: array<vec4f, TILE_K * (ACROSS_N + 1u)>;

fn fill_columns(t: u32, first: u32, end: u32) {
  for (var k = t; k < TILE_K; k += THREADS) {
    a_cols[k] = MISSING;
    b_cols[k] = MISSING;
    if (first + k < end) {
      a_cols[k] = a_col(first + k);
      b_cols[k] = b_col(first + k);
    }
  }
}

fn fill_a(t: u32) {
  for (var u = t; u < TILE_K * ACROSS_M; u += THREADS) {
    let k = select(u / ACROSS_M, u % TILE_K, A_ALONG_K);
    let i = select(u % ACROSS_M, u / TILE_K, A_ALONG_K);
    var quad = vec4f();
    for (var l = 0u; l < 4u; l++) {
      quad = vec4f(quad.yzw, load_a(a_rows[4u * i + l], a_cols[k]));
    }
    a_tile[k * (ACROSS_M + 1u) + i] = quad;
  }
}

fn fill_b(t: u32) {
  for (var u = t; u < TILE_K * ACROSS_N; u += THREADS) {
    let k = select(u / ACROSS_N, u % TILE_K, B_ALONG_K);
    let j = select(u % ACROSS_N, u / TILE_K, B_ALONG_K);
    var quad = vec4f();
    for (var l = 0u; l < 4u; l++) {
      quad = vec4f(quad.yzw, load_b(b_rows[4u * j + l], b_cols[k]));
    }
    b_tile[k * (ACROSS_N + 1u) + j] = quad;
  }
}

fn store_row(i: u32, j: u32, part: u32, sums: vec4f) {
  let g = p.gemm;
  if (i >= g.m) {
    return;
  }
  let y = g.y + (part * g.m + i) * g.n + j;
  for (var l = 0u; l < 4u && j + l < g.n; l++) {
    var sum = sums[l];
    if (g.bias != NONE) {
      sum += load(g.bias + j + l);
    }
    store(y + l, sum);
  }
}

// Where chunk `chunk` of shard `shard` of k begins and ends.
fn chunk_range(shard: u32, chunk: u32) -> vec2u {
  let g = p.gemm;
  if (!SHARDED) {
    return vec2u(0u, g.rows * g.unit);
  }
  let first = shard_first(g.rows, shard) * g.unit;
  let length = shard_first(g.rows, shard + 1u) * g.unit - first;
  let whole = length / g.chunks;
  let rest = length % g.chunks;
  return vec2u(
    first + whole * chunk + rest * chunk / g.chunks,
    first + whole * (chunk + 1u) + rest * (chunk + 1u) / g.chunks,
  );
}

// The product of a tile over a range of k: a row of results to a column of the matrix.
fn tile_sum(t: u32, range: vec2u) -> mat4x4f {
  let tm = t / ACROSS_N;
  let tn = t % ACROSS_N;
  var sum = mat4x4f();
  workgroupBarrier();
  fill_columns(t, range.x, range.y);
  workgroupBarrier();
  for (var first = range.x; first < range.y; first += TILE_K) {
    fill_a(t);
    fill_b(t);
    workgroupBarrier();
    fill_columns(t, first + TILE_K, range.y);
    // Shards of a small batch are shorter than a tile.
    let count = select(TILE_K, min(TILE_K, range.y - first), TREE);
    for (var k = 0u; k < count; k++) {
      let a = a_tile[k * (ACROSS_M + 1u) + tm];
      let b = b_tile[k * (ACROSS_N + 1u) + tn];
      sum[0] += a.x * b;
      sum[1] += a.y * b;
      sum[2] += a.z * b;
      sum[3] += a.w * b;
    }
    workgroupBarrier();
  }
  return sum;
}

// ((0+1)+(2+3)) + ((4+5)+(6+7)), keeping three levels at most.
fn shard_tree(t: u32) -> mat4x4f {
  var ones = mat4x4f();
  var twos = mat4x4f();
  var fours = mat4x4f();
  var sum = mat4x4f();
  for (var shard = 0u; shard < SHARDS; shard++) {
    sum = tile_sum(t, chunk_range(shard, 0u));
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
  return fours + sum;
}

// Workgroups: x and y count tiles (x along m; y along n, then what x could not hold), z parts.
@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let g = p.gemm;
  let tiles_n = (g.n + TILE_N - 1u) / TILE_N;
  let first_m = (group.x + group.y / tiles_n * groups.x) * TILE_M;
  let first_n = group.y % tiles_n * TILE_N;
  for (var i = t; i < TILE_M; i += THREADS) {
    a_rows[i] = MISSING;
    if (first_m + i < g.m) {
      a_rows[i] = a_row(first_m + i);
    }
  }
  for (var j = t; j < TILE_N; j += THREADS) {
    b_rows[j] = MISSING;
    if (first_n + j < g.n) {
      b_rows[j] = b_row(first_n + j);
    }
  }
  var sum: mat4x4f;
  if (TREE) {
    sum = shard_tree(t);
  } else {
    sum = tile_sum(t, chunk_range(group.z / g.chunks, group.z % g.chunks));
  }
  let i = first_m + 4u * (t / ACROSS_N);
  let j = first_n + 4u * (t % ACROSS_N);
  store_row(i, j, group.z, sum[0]);
  store_row(i + 1u, j, group.z, sum[1]);
  store_row(i + 2u, j, group.z, sum[2]);
  store_row(i + 3u, j, group.z, sum[3]);
}
