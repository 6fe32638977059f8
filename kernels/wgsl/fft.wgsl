// fft.wgsl: one pass of a discrete Fourier transform over rows of n complex numbers, in Stockham's
// order (Van Loan, "Computational Frameworks for the FFT", 1992, section 1.7). With n = radix * m
// and `done` the product of the radices of the passes before:
//
//   y[j * radix * done + q * done + k] = sum over r of
//       x[r * n / radix + j * done + k] root[(r * (q * done + k) * n / (radix * done)) mod n]
//
// for j < n / (radix * done), q < radix, k < done. A pass of radix n is the transform itself.

struct Params {
  rows: u32,
  n: u32,
  radix: u32,
  done: u32,
  scale: f32, // of the results
  y: u32,
  x: u32,
  roots: array<vec2f>, // e^(-2 pi j i / n), or of the inverse
}
@group(1) @binding(0) var<storage, read> p: Params;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat(id, groups);
  if (i >= p.rows * p.n) {
    return;
  }
  let row = i / p.n * p.n;
  let at = i % p.n;
  let block = p.radix * p.done;
  let start = p.x + 2u * (row + at / block * p.done + at % p.done);
  let turn = at % block * (p.n / block);
  var sum = vec2f(0.0, 0.0);
  var angle = 0u;
  for (var r = 0u; r < p.radix; r++) {
    let w = p.roots[angle];
    let v = start + 2u * r * (p.n / p.radix);
    let re = load(v);
    let im = load(v + 1u);
    sum += vec2f(w.x * re - w.y * im, w.x * im + w.y * re);
    angle = (angle + turn) % p.n;
  }
  store(p.y + 2u * i, sum.x * p.scale);
  store(p.y + 2u * i + 1u, sum.y * p.scale);
}
