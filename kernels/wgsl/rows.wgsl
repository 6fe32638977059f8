// rows.wgsl: softmax, losses and gradients, one thread a row of x[rows][columns], from left to
// right. Losses leave one number a row, which combine.wgsl adds up.

struct Params {
  rows: u32,
  columns: u32,
  count: f32, // what a sum over rows is divided by
  nan: f32,
  y: u32,
  x: u32,
  with_: u32, // labels, target or dy
  dloss: u32,
}
@group(1) @binding(0) var<storage, read> p: Params;

fn row_max(x: u32) -> f32 {
  var best = load(x);
  for (var i = 1u; i < p.columns; i++) {
    let v = load(x + i);
    best = select(best, v, best < v);
  }
  return best;
}

fn row_exp_sum(x: u32, best: f32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < p.columns; i++) {
    sum += exponential(load(x + i) - best);
  }
  return sum;
}

@compute @workgroup_size(GROUP)
fn softmax(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  let x = p.x + r * p.columns;
  let best = row_max(x);
  let sum = row_exp_sum(x, best);
  for (var i = 0u; i < p.columns; i++) {
    store(p.y + r * p.columns + i, exponential(load(x + i) - best) / sum);
  }
}

// dx = y (dy - sum of y dy); x stands for y.
@compute @workgroup_size(GROUP)
fn softmax_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  let at = r * p.columns;
  var sum = 0.0;
  for (var i = at; i < at + p.columns; i++) {
    sum += load(p.x + i) * load(p.with_ + i);
  }
  for (var i = at; i < at + p.columns; i++) {
    store(p.y + i, load(p.x + i) * (load(p.with_ + i) - sum));
  }
}

// A class that does not exist costs NaN, so that it is seen.
@compute @workgroup_size(GROUP)
fn softmax_cross_entropy(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  let x = p.x + r * p.columns;
  let best = row_max(x);
  let label = word(p.with_ + r);
  var cost = p.nan;
  if (label < p.columns) {
    cost = logarithm(row_exp_sum(x, best)) - (load(x + label) - best);
  }
  store(p.y + r, cost);
}

// dx = dloss (softmax(x) - onehot(label)) / count
@compute @workgroup_size(GROUP)
fn softmax_cross_entropy_grad(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  let x = p.x + r * p.columns;
  let best = row_max(x);
  let sum = row_exp_sum(x, best);
  let label = word(p.with_ + r);
  let factor = load(p.dloss) / p.count;
  for (var i = 0u; i < p.columns; i++) {
    let probability = exponential(load(x + i) - best) / sum;
    let expected = select(0.0, 1.0, i == label);
    store(p.y + r * p.columns + i, (probability - expected) * factor);
  }
}

// -sum of target log softmax(x), for targets that are distributions.
@compute @workgroup_size(GROUP)
fn soft_cross_entropy(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  let x = p.x + r * p.columns;
  let best = row_max(x);
  let top = logarithm(row_exp_sum(x, best));
  var cost = 0.0;
  for (var i = 0u; i < p.columns; i++) {
    cost += load(p.with_ + r * p.columns + i) * (top - (load(x + i) - best));
  }
  store(p.y + r, cost);
}

// dx = dloss (softmax(x) sum of target - target) / count
@compute @workgroup_size(GROUP)
fn soft_cross_entropy_grad(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  let x = p.x + r * p.columns;
  let labels = p.with_ + r * p.columns;
  let best = row_max(x);
  let sum = row_exp_sum(x, best);
  let factor = load(p.dloss) / p.count;
  var mass = 0.0;
  for (var i = 0u; i < p.columns; i++) {
    mass += load(labels + i);
  }
  for (var i = 0u; i < p.columns; i++) {
    let probability = exponential(load(x + i) - best) / sum;
    store(p.y + r * p.columns + i, factor * (probability * mass - load(labels + i)));
  }
}

// softplus(x) - x z = max(x, 0) - x z + log(1 + e^-|x|)
@compute @workgroup_size(GROUP)
fn sigmoid_cross_entropy(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  var cost = 0.0;
  for (var i = r * p.columns; i < (r + 1u) * p.columns; i++) {
    let x = load(p.x + i);
    cost += log1p_exp(x) - x * load(p.with_ + i);
  }
  store(p.y + r, cost);
}

@compute @workgroup_size(GROUP)
fn squares(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let r = flat(id, groups);
  if (r >= p.rows) {
    return;
  }
  var cost = 0.0;
  for (var i = r * p.columns; i < (r + 1u) * p.columns; i++) {
    let d = load(p.x + i) - load(p.with_ + i);
    cost += d * d;
  }
  store(p.y + r, cost);
}
