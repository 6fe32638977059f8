// pool.wgsl: max and average pools and their gradients, one thread an element of the result.
// Elements outside the image neither win nor count; the gradient of max goes to the first maximum
// in ascending (u, v).

struct Params {
  window: Window,
  n: u32, // elements of the result
  lowest: f32, // the maximum of nothing
  y: u32,
  x: u32,
  dy: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

// Rows [x, y) and columns [z, w) of window (i, j) that lie inside the image.
fn box_of(i: i32, j: i32) -> vec4i {
  let q = p.window;
  let top = i * q.sh - q.pt;
  let left = j * q.sw - q.pl;
  return vec4i(max(top, 0), min(top + q.kh, q.h), max(left, 0), min(left + q.kw, q.w));
}

// The box of output element `at`, an element of y.
fn box_at(at: u32) -> vec4i {
  let pixel = i32(at) / p.window.c;
  return box_of(pixel / p.window.ow % p.window.oh, pixel % p.window.ow);
}

// Where channel c of image n begins, for the element `at` of an array of `pixels` pixels an image.
fn channel_at(at: u32, pixels: i32) -> u32 {
  let q = p.window;
  return u32(i32(at) / (pixels * q.c) * q.h * q.w * q.c + i32(at) % q.c);
}

fn pixel_of(row: i32, column: i32) -> u32 {
  return u32((row * p.window.w + column) * p.window.c);
}

fn maximum(box: vec4i, channel: u32) -> f32 {
  var best = p.lowest;
  for (var row = box.x; row < box.y; row++) {
    for (var column = box.z; column < box.w; column++) {
      let v = load(p.x + channel + pixel_of(row, column));
      best = select(best, v, best < v);
    }
  }
  return best;
}

@compute @workgroup_size(GROUP)
fn max_pool2d(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat(id, groups);
  if (at < p.n) {
    store(p.y + at, maximum(box_at(at), channel_at(at, p.window.oh * p.window.ow)));
  }
}

@compute @workgroup_size(GROUP)
fn avg_pool2d(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat(id, groups);
  if (at >= p.n) {
    return;
  }
  let box = box_at(at);
  let channel = channel_at(at, p.window.oh * p.window.ow);
  var sum = 0.0;
  for (var row = box.x; row < box.y; row++) {
    for (var column = box.z; column < box.w; column++) {
      sum += load(p.x + channel + pixel_of(row, column));
    }
  }
  store(p.y + at, sum / f32((box.y - box.x) * (box.w - box.z)));
}

// Whether (row, column) is the first maximum of its box.
fn wins(box: vec4i, channel: u32, row: i32, column: i32) -> bool {
  let own = load(p.x + channel + pixel_of(row, column));
  for (var r = box.x; r < box.y; r++) {
    for (var c = box.z; c < box.w; c++) {
      let v = load(p.x + channel + pixel_of(r, c));
      let before = r < row || (r == row && c < column);
      if (v > own || (before && v == own)) {
        return false;
      }
    }
  }
  return true;
}

// The windows that see a pixel: rows [x, y) and columns [z, w) of the output.
fn windows_on(row: i32, column: i32) -> vec4i {
  let q = p.window;
  let down = row + q.pt;
  let right = column + q.pl;
  return vec4i(
    max(down - q.kh + q.sh, 0) / q.sh,
    min(down / q.sh + 1, q.oh),
    max(right - q.kw + q.sw, 0) / q.sw,
    min(right / q.sw + 1, q.ow),
  );
}

fn gradient(at: u32, of_maximum: bool) -> f32 {
  let q = p.window;
  let pixel = i32(at) / q.c;
  let row = pixel / q.w % q.h;
  let column = pixel % q.w;
  let channel = channel_at(at, q.h * q.w);
  let image = pixel / (q.h * q.w) * q.oh;
  let on = windows_on(row, column);
  var sum = 0.0;
  for (var i = on.x; i < on.y; i++) {
    for (var j = on.z; j < on.w; j++) {
      let box = box_of(i, j);
      let dy = load(p.dy + u32(((image + i) * q.ow + j) * q.c + i32(at) % q.c));
      if (!of_maximum) {
        sum += dy / f32((box.y - box.x) * (box.w - box.z));
      } else if (wins(box, channel, row, column)) {
        sum += dy;
      }
    }
  }
  return sum;
}

@compute @workgroup_size(GROUP)
fn max_pool2d_grad(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = flat(id, groups);
  if (at < p.n) {
    store(p.y + at, gradient(at, true));
  }
}

@compute @workgroup_size(GROUP)
fn avg_pool2d_grad(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = flat(id, groups);
  if (at < p.n) {
    store(p.y + at, gradient(at, false));
  }
}
