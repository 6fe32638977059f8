// strided.wgsl: positions in arrays of up to six dimensions with strides.

struct Strided {
  rank: u32,
  dims: array<u32, 6>,
  a: array<i32, 6>, // strides of the first array, in elements
  b: array<i32, 6>, // strides of the second
}

// Where element i of dims lies in the two arrays.
fn positions(i: u32) -> vec2u {
  var rest = i;
  var at = vec2i(0, 0);
  for (var d = p.over.rank; d > 1u; d--) {
    let size = p.over.dims[d - 1u];
    let index = i32(rest % size);
    rest /= size;
    at += index * vec2i(p.over.a[d - 1u], p.over.b[d - 1u]);
  }
  return bitcast<vec2u>(at + i32(rest) * vec2i(p.over.a[0], p.over.b[0]));
}
