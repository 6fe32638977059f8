// gemm.wgsl: the tiled product that matrix products and convolutions are made of.
//
//   y[part][i][j] = bias[j] + sum over the part's k of A(i, k) B(k, j),   i < m, j < n
//
// k runs over `rows` times `unit` elements (a batch and what an example has); its parts are shards
// of the rows, cut into chunks, which combine.wgsl adds. Within a part the sum is one chain over
// ascending k, so the result does not depend on the tile.
//
// A workgroup computes TILE_M x TILE_N, a thread 4 x 4. TILE_M, TILE_N and whether neighbours in
// memory are neighbours in k (A_ALONG_K, B_ALONG_K) are constants of the pipeline. A family says
// how an element is found, in two halves that are computed once and kept in workgroup memory:
// a_row(i), a_col(k) and load_a(row, col), which gives 0 where a half is not valid; b likewise.

const TILE_K = 16u;
const ACROSS_M = TILE_M / 4u;
const ACROSS_N = TILE_N / 4u;
const THREADS = ACROSS_M * ACROSS_N;

struct Gemm {
  m: u32,
  n: u32,
  rows: u32,
  unit: u32,
  shards: u32, // 8, or 1: all in one part
  chunks: u32, // parts of a shard
  y: u32,
  bias: u32, // where it lies, or NONE
}

const NONE = 0xffffffffu;
const INVALID = vec4i(0, 0, 0, 0);

// The halves of an element at offset row.x + col.x; w says whether they are valid.
fn load_sum(base: u32, row: vec4i, col: vec4i) -> f32 {
  if (row.w == 0 || col.w == 0) {
    return 0.0;
  }
  return load(base + u32(row.x + col.x));
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
    let valid = first + k < end;
    a_cols[k] = INVALID;
    b_cols[k] = INVALID;
    if (valid) {
      a_cols[k] = a_col(first + k);
      b_cols[k] = b_col(first + k);
    }
  }
}

fn fill_a(t: u32) {
  for (var u = t; u < TILE_K * ACROSS_M; u += THREADS) {
    let k = select(u / ACROSS_M, u % TILE_K, A_ALONG_K);
    let i = select(u % ACROSS_M, u / TILE_K, A_ALONG_K);
    let col = a_cols[k];
    a_tile[k * (ACROSS_M + 1u) + i] = vec4f(
      load_a(a_rows[4u * i], col),
      load_a(a_rows[4u * i + 1u], col),
      load_a(a_rows[4u * i + 2u], col),
      load_a(a_rows[4u * i + 3u], col),
    );
  }
}

fn fill_b(t: u32) {
  for (var u = t; u < TILE_K * ACROSS_N; u += THREADS) {
    let k = select(u / ACROSS_N, u % TILE_K, B_ALONG_K);
    let j = select(u % ACROSS_N, u / TILE_K, B_ALONG_K);
    let col = b_cols[k];
    b_tile[k * (ACROSS_N + 1u) + j] = vec4f(
      load_b(b_rows[4u * j], col),
      load_b(b_rows[4u * j + 1u], col),
      load_b(b_rows[4u * j + 2u], col),
      load_b(b_rows[4u * j + 3u], col),
    );
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

// Where part `part` of k begins and ends.
fn part_range(part: u32) -> vec2u {
  let g = p.gemm;
  if (g.shards == 1u) {
    return vec2u(0u, g.rows * g.unit);
  }
  let shard = part / g.chunks;
  let chunk = part % g.chunks;
  let first = shard_first(g.rows, shard) * g.unit;
  let length = shard_first(g.rows, shard + 1u) * g.unit - first;
  let whole = length / g.chunks;
  let rest = length % g.chunks;
  return vec2u(
    first + whole * chunk + rest * chunk / g.chunks,
    first + whole * (chunk + 1u) + rest * (chunk + 1u) / g.chunks,
  );
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
    a_rows[i] = INVALID;
    if (first_m + i < g.m) {
      a_rows[i] = a_row(first_m + i);
    }
  }
  for (var j = t; j < TILE_N; j += THREADS) {
    b_rows[j] = INVALID;
    if (first_n + j < g.n) {
      b_rows[j] = b_row(first_n + j);
    }
  }
  let range = part_range(group.z);
  fill_columns(t, range.x, range.y);
  workgroupBarrier();
  let tm = t / ACROSS_N;
  let tn = t % ACROSS_N;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var first = range.x; first < range.y; first += TILE_K) {
    fill_a(t);
    fill_b(t);
    workgroupBarrier();
    fill_columns(t, first + TILE_K, range.y);
    for (var k = 0u; k < TILE_K; k++) {
      let a = a_tile[k * (ACROSS_M + 1u) + tm];
      let b = b_tile[k * (ACROSS_N + 1u) + tn];
      sum0 += a.x * b;
      sum1 += a.y * b;
      sum2 += a.z * b;
      sum3 += a.w * b;
    }
    workgroupBarrier();
  }
  let i = first_m + 4u * tm;
  let j = first_n + 4u * tn;
  store_row(i, j, group.z, sum0);
  store_row(i + 1u, j, group.z, sum1);
  store_row(i + 2u, j, group.z, sum2);
  store_row(i + 3u, j, group.z, sum3);
}
