/**
 * WGSL modules: files of kernels/wgsl, with what every file may use.
 */
import { readFileSync } from 'node:fs';
import { packageFile } from '../../core/package.js';
import { group, type Shader } from './dispatch.js';

/** How the words of a program are spread over buffers: 2^shift words in each. */
export interface Segments {
  readonly count: number;
  readonly shift: number;
}

const oneBuffer = `
@group(0) @binding(0) var<storage, read_write> memory: array<u32>;
fn word(i: u32) -> u32 { return memory[i]; }
fn set_word(i: u32, value: u32) { memory[i] = value; }
`;

/** The upper bits of a word's number say its buffer. */
function severalBuffers({ count, shift }: Segments): string {
  const each = (line: (s: number) => string): string =>
    Array.from({ length: count }, (_, s) => line(s)).join('\n');
  const mask = `${2 ** shift - 1}u`;
  return `
${each((s) => `@group(0) @binding(${s}) var<storage, read_write> memory${s}: array<u32>;`)}
fn word(i: u32) -> u32 {
  switch (i >> ${shift}u) {
${each((s) => `    case ${s}u: { return memory${s}[i & ${mask}]; }`)}
    default: { return 0u; }
  }
}
fn set_word(i: u32, value: u32) {
  switch (i >> ${shift}u) {
${each((s) => `    case ${s}u: { memory${s}[i & ${mask}] = value; }`)}
    default: {}
  }
}
`;
}

/**
 * The memory, and numbers in it. Words are integers: a device may turn the bits of a small integer
 * to 0 when it loads them as a float.
 */
const prelude = (segments: Segments): string => `
const GROUP = ${group};
${segments.count === 1 ? oneBuffer : severalBuffers(segments)}
fn load(i: u32) -> f32 { return bitcast<f32>(word(i)); }
fn store(i: u32, value: f32) { set_word(i, bitcast<u32>(value)); }
fn flat(id: vec3u, groups: vec3u) -> u32 { return id.y * groups.x * GROUP + id.x; }
`;

const texts = new Map<string, string>();

function textOf(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(packageFile('kernels', 'wgsl', `${file}.wgsl`), 'utf8');
  texts.set(file, text);
  return text;
}

/** The WGSL source of a shader. */
export const sourceOf = ({ files, code }: Shader, segments: Segments): string =>
  [prelude(segments), ...files.map(textOf), code].join('\n');
