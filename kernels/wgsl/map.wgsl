// map.wgsl: ops that work element by element on arrays of one shape. Formulas are those of
// host/ir/ops.ts; a function has the name of its kernel, and `apply` (added for each kernel) calls
// it with element i of its operands, or element 0 where an operand is a scalar.

struct Params {
  n: u32,
  factor: f32, // the op's attribute: alpha, factor, decay, epsilon; or what a loss is divided by
  y: u32,
  x: array<u32, 4>,
}
@group(1) @binding(0) var<storage, read> p: Params;

const SELU_SCALE = 1.05070099;
const SELU_ALPHA = 1.67326324;

fn zero() -> f32 { return 0.0; }
fn scale(x: f32) -> f32 { return p.factor * x; }
fn rsqrt(x: f32) -> f32 { return 1.0 / sqrt(x + p.factor); }
fn not_zero(x: f32) -> f32 { return select(0.0, 1.0, abs(x) > 0.0); }
// Beyond 2^23 there are no fractions.
fn truncate(x: f32) -> f32 { return select(x, trunc(x), abs(x) < 8388608.0); }

fn relu(x: f32) -> f32 { return select(x, 0.0, x < 0.0); }
fn relu6(x: f32) -> f32 { return select(relu(x), 6.0, x > 6.0); }
fn leaky_relu(x: f32) -> f32 { return select(p.factor * x, x, x > 0.0); }
fn elu(x: f32) -> f32 { return select(p.factor * expm1(min(x, 0.0)), x, x > 0.0); }
fn selu(x: f32) -> f32 {
  return SELU_SCALE * select(SELU_ALPHA * expm1(min(x, 0.0)), x, x > 0.0);
}
fn sigmoid(x: f32) -> f32 { return logistic(x); }
fn tanh(x: f32) -> f32 { return hyperbolic_tangent(x); }
fn softplus(x: f32) -> f32 { return log1p_exp(x); }
fn softsign(x: f32) -> f32 { return x / (1.0 + abs(x)); }
fn hard_swish(x: f32) -> f32 { return x * (clamp(x + 3.0, 0.0, 6.0) * (1.0 / 6.0)); }
fn gelu(x: f32) -> f32 { return x * normal_distribution(x); }

// Gradients: x stands for the first operand (the op's x or y), g for dy.
fn relu_grad(x: f32, g: f32) -> f32 { return select(0.0, g, x > 0.0); }
fn relu6_grad(x: f32, g: f32) -> f32 { return select(0.0, g, x > 0.0 && x < 6.0); }
fn leaky_relu_grad(x: f32, g: f32) -> f32 { return select(p.factor * g, g, x > 0.0); }
fn elu_grad(x: f32, g: f32) -> f32 { return g * select(x + p.factor, 1.0, x > 0.0); }
fn selu_grad(x: f32, g: f32) -> f32 {
  return g * select(x + SELU_SCALE * SELU_ALPHA, SELU_SCALE, x > 0.0);
}
fn sigmoid_grad(x: f32, g: f32) -> f32 { return g * (x * (1.0 - x)); }
fn tanh_grad(x: f32, g: f32) -> f32 { return g * (1.0 - x * x); }
fn softplus_grad(x: f32, g: f32) -> f32 { return g * logistic(x); }
fn softsign_grad(x: f32, g: f32) -> f32 {
  let d = 1.0 + abs(x);
  return g / (d * d);
}
fn hard_swish_grad(x: f32, g: f32) -> f32 {
  return g * select(select(x * (1.0 / 3.0) + 0.5, 0.0, x < -3.0), 1.0, x > 3.0);
}
fn gelu_grad(x: f32, g: f32) -> f32 {
  let density = 0.398942280 * exponential(x * x * -0.5);
  return g * (normal_distribution(x) + x * density);
}
fn sigmoid_cross_entropy_grad(x: f32, label: f32, dloss: f32) -> f32 {
  return (logistic(x) - label) * (dloss / p.factor);
}

// Updates of parameters.
fn scale_add(a: f32, b: f32) -> f32 { return p.factor * a + b; }
fn ema(a: f32, b: f32) -> f32 { return p.factor * a + (1.0 - p.factor) * b; }
fn descend(w: f32, g: f32, rate: f32) -> f32 { return w - rate * g; }
fn adaptive_descend(w: f32, m: f32, v: f32, rate: f32) -> f32 {
  return w - rate * m / (sqrt(v) + p.factor);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  if (i < p.n) {
    store(p.y + i, apply(i));
  }
}
