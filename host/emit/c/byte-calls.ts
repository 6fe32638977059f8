/**
 * Calls of the kernels that take one byte at a time (kernels/c/enn_s8_table.h, enn_s8_line_dsp.h).
 */
import { bytesOf } from '../../core/dtype.js';
import { sha256 } from '../../core/hash.js';
import type { ValueId } from '../../ir/graph.js';
import type { ByteKernel } from '../../lower/lowered.js';
import { type Call, constant, read, write } from './call.js';

/** Rows of bytes that go to rows of others. */
interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly stride: number;
  readonly at: number;
}

/** The call of a kernel of bytes: where rows go, and a table or a line. */
export function byteCall(kernel: ByteKernel, x: ValueId, y: ValueId, rows: Rows): Call {
  const [from, to] = [read('x', x), write(y)];
  const { name, kind } = kernel;
  if (kind === 'line') {
    const [clamp_min, clamp_max] = kernel.clamp;
    const fields = { ...rows, ...kernel.line, clamp_min, clamp_max };
    return { kernel: name, type: 'enn_line_s8', fields, args: [from, to] };
  }
  const fields = { ...rows };
  if (kind === 'copy') return { kernel: name, type: 'enn_table_s8', fields, args: [from, to] };
  // Equal tables are one.
  const key = `bytes.${sha256(bytesOf(kernel.table)).slice(0, 8)}`;
  const args = [from, constant('table', key, kernel.table), to];
  return { kernel: name, type: 'enn_table_s8', fields, args };
}
