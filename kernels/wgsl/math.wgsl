// math.wgsl: exponential, logarithm and what follows from them, as kernels/c/enn_f32_math.h has
// them (WGSL's own may be off by 2^-21 or more). A value is rounded by floor, never by adding and
// subtracting a large number: shader compilers may simplify that away.

// e^r - 1 for |r| <= 0.35: the Taylor series to r^7.
fn expm1_small(r: f32) -> f32 {
  var q = 1.0 / 5040.0;
  q = q * r + 1.0 / 720.0;
  q = q * r + 1.0 / 120.0;
  q = q * r + 1.0 / 24.0;
  q = q * r + 1.0 / 6.0;
  q = q * r + 0.5;
  return (q * r) * r + r;
}

struct ExpParts {
  q: f32,     // e^r - 1
  scale: f32, // 2^n, in two factors so that it may over- and underflow gradually
  rest: f32,
}

fn power_of_two(n: i32) -> f32 {
  return bitcast<f32>(u32(n + 127) << 23u);
}

// x = n ln 2 + r with |r| <= ln 2 / 2. ln 2 in two parts: n times the first is exact.
fn exp_split(x: f32) -> ExpParts {
  let c = clamp(x, -104.0, 89.0);
  let n = floor(c * 1.44269504 + 0.5);
  let r = (c - n * 0.693359375) - n * -2.12194440e-4;
  let half = i32(n) >> 1u;
  return ExpParts(expm1_small(r), power_of_two(half), power_of_two(i32(n) - half));
}

// e^x
fn exponential(x: f32) -> f32 {
  let e = exp_split(x);
  return (e.q + 1.0) * e.scale * e.rest;
}

// e^x - 1 without cancellation near 0.
fn expm1(x: f32) -> f32 {
  let e = exp_split(x);
  let scale = e.scale * e.rest;
  return e.q * scale + (scale - 1.0);
}

// 2 artanh(s) = log((1 + s) / (1 - s)) for |s| <= 1/3.
fn artanh2(s: f32) -> f32 {
  let z = s * s;
  var q = 2.0 / 15.0;
  q = q * z + 2.0 / 13.0;
  q = q * z + 2.0 / 11.0;
  q = q * z + 2.0 / 9.0;
  q = q * z + 2.0 / 7.0;
  q = q * z + 2.0 / 5.0;
  q = q * z + 2.0 / 3.0;
  return (q * z) * s + (s + s);
}

// The natural logarithm of a positive, finite, normal number: x = 2^e m, m in [sqrt 1/2, sqrt 2).
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let e = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
  let m = bitcast<f32>(bits - (bitcast<u32>(e) << 23u));
  let n = f32(e);
  return n * 0.693359375 + (n * -2.12194440e-4 + artanh2((m - 1.0) / (m + 1.0)));
}

// tanh |x| = -m / (m + 2) with m = e^(-2|x|) - 1
fn hyperbolic_tangent(x: f32) -> f32 {
  let m = expm1(-2.0 * abs(x));
  let t = -m / (m + 2.0);
  return select(t, -t, x < 0.0);
}

fn logistic(x: f32) -> f32 {
  return 1.0 / (1.0 + exponential(-x));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
fn log1p_exp(x: f32) -> f32 {
  let e = exponential(-abs(x));
  return select(0.0, x, x > 0.0) + artanh2(e / (e + 2.0));
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
fn error_function(x: f32) -> f32 {
  let a = abs(x);
  let t = 1.0 / (a * 0.3275911 + 1.0);
  var q = 1.061405429;
  q = q * t - 1.453152027;
  q = q * t + 1.421413741;
  q = q * t - 0.284496736;
  q = q * t + 0.254829592;
  let y = 1.0 - (q * t) * exponential(-(a * a));
  return select(y, -y, x < 0.0);
}

// The normal distribution: (1 + erf(x / sqrt 2)) / 2.
fn normal_distribution(x: f32) -> f32 {
  return error_function(x * 0.707106781) * 0.5 + 0.5;
}
