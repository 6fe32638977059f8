// depthwise.wgsl: depthwiseConv2d and its gradients, one thread an element of the result. Weights
// w[KH][KW][C * M]; output channel o reads input channel o / M.

const NONE = 0xffffffffu;

struct Params {
  window: Window,
  n: u32,      // elements of the result
  chunks: u32, // parts of a shard
  y: u32,
  x: u32,
  w: u32,
  bias: u32,   // where it lies, or NONE
  dy: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

// y[n, i, j, o] = b[o] + sum over (u, v) of x[n, ., ., o / M] w[u][v][o]
@compute @workgroup_size(GROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat(id, groups);
  if (at >= p.n) {
    return;
  }
  let q = p.window;
  let o = i32(at) % q.oc;
  let pixel = i32(at) / q.oc;
  let top = pixel / q.ow % q.oh * q.sh - q.pt;
  let left = pixel % q.ow * q.sw - q.pl;
  let image = pixel / (q.oh * q.ow) * q.h;
  let c = o / (q.oc / q.c);
  var sum = 0.0;
  if (p.bias != NONE) {
    sum = load(p.bias + u32(o));
  }
  for (var u = 0; u < q.kh; u++) {
    let row = top + u * q.dh;
    for (var v = 0; v < q.kw; v++) {
      let column = left + v * q.dw;
      if (row >= 0 && row < q.h && column >= 0 && column < q.w) {
        let x = load(p.x + u32(((image + row) * q.w + column) * q.c + c));
        sum += x * load(p.w + u32((u * q.kw + v) * q.oc + o));
      }
    }
  }
  store(p.y + at, sum);
}

// dx[n, h, w, c] = sum over (u, v) and the outputs o of c of dy[n, i, j, o] w[u][v][o]
@compute @workgroup_size(GROUP)
fn grad_input(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat(id, groups);
  if (at >= p.n) {
    return;
  }
  let q = p.window;
  let multiplier = q.oc / q.c;
  let c = i32(at) % q.c;
  let pixel = i32(at) / q.c;
  let down = pixel / q.w % q.h + q.pt;
  let right = pixel % q.w + q.pl;
  let image = pixel / (q.h * q.w) * q.oh;
  var sum = 0.0;
  for (var u = 0; u < q.kh; u++) {
    let i = (down - u * q.dh) / q.sh;
    if (down < u * q.dh || i * q.sh + u * q.dh != down || i >= q.oh) {
      continue;
    }
    for (var v = 0; v < q.kw; v++) {
      let j = (right - v * q.dw) / q.sw;
      if (right < v * q.dw || j * q.sw + v * q.dw != right || j >= q.ow) {
        continue;
      }
      let dy = p.dy + u32(((image + i) * q.ow + j) * q.oc + c * multiplier);
      let w = p.w + u32((u * q.kw + v) * q.oc + c * multiplier);
      for (var l = 0u; l < u32(multiplier); l++) {
        sum += load(dy + l) * load(w + l);
      }
    }
  }
  store(p.y + at, sum);
}

// dw[part][u][v][o] = sum over the part's (n, i, j) of dy[n, i, j, o] x[n, ., ., o / M]; the windows
// of a shard of the batch are dealt out in turn to its chunks.
@compute @workgroup_size(GROUP)
fn grad_weights(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat(id, groups);
  let part = at / p.n;
  if (part >= SHARDS * p.chunks) {
    return;
  }
  let q = p.window;
  let o = i32(at % p.n) % q.oc;
  let uv = i32(at % p.n) / q.oc;
  let down = uv / q.kw * q.dh - q.pt;
  let right = uv % q.kw * q.dw - q.pl;
  let c = o / (q.oc / q.c);
  let windows = u32(q.oh * q.ow);
  let end = shard_first(u32(q.n), part / p.chunks + 1u) * windows;
  var sum = 0.0;
  var m = shard_first(u32(q.n), part / p.chunks) * windows + part % p.chunks;
  for (; m < end; m += p.chunks) {
    let row = i32(m) / q.ow % q.oh * q.sh + down;
    let column = i32(m) % q.ow * q.sw + right;
    if (row >= 0 && row < q.h && column >= 0 && column < q.w) {
      let image = i32(m / windows) * q.h;
      let x = load(p.x + u32(((image + row) * q.w + column) * q.c + c));
      sum += x * load(p.dy + m * u32(q.oc) + u32(o));
    }
  }
  store(p.y + at, sum);
}
