/**
 * Frames of functions that come without call-graph information (libgcc, newlib, assembly), from a
 * disassembly of the image: the sum of all that a function ever pushes, whichever way it branches.
 * Arm Architecture Reference Manual for Armv7-M, A7.7: https://developer.arm.com/documentation/ddi0403
 */
import type { StackFunction } from './call-graph.js';

interface Body {
  readonly names: Set<string>;
  readonly lines: string[];
}

/** `{r4, r5-r7, d8-d9}` -> bytes. */
function registerBytes(list: string): number {
  return list.split(',').reduce((sum, part) => {
    const [, kind, from, to] = /^\s*([a-z]+)(\d*)(?:-[a-z]+(\d+))?\s*$/.exec(part) ?? [];
    const count = to === undefined ? 1 : Number(to) - Number(from) + 1;
    return sum + count * (kind === 'd' ? 8 : 4);
  }, 0);
}

/** Bytes that one instruction pushes. @throws Error for one that moves SP by a variable */
export function pushedBytes(instruction: string): number {
  const text = instruction.replace(/\s*[@;].*$/, '').trim();
  const list = /^(?:v?push|stmdb(?:\.w)?\s+sp!,|vstmdb\s+sp!,|vpush)\S*\s*\{([^}]*)\}/.exec(text);
  if (list) return registerBytes(list[1]!);
  const store = /^(str\S*)\s.*\[sp, #-(\d+)\]!$/.exec(text);
  if (store) return Number(store[2]);
  const sub = /^sub(?:s|w|\.w)?\s+sp,\s*(?:sp,\s*)?#(\d+)/.exec(text);
  if (sub) return Number(sub[1]);
  if (/^(sub|mov|msr|ldr|add|and|bic)\S*\s+(sp|msp|psp),(?!\s*(?:sp,\s*)?#)/.test(text)) {
    throw new Error(`'${text}' moves the stack pointer by an amount that is not constant`);
  }
  return 0;
}

/** The functions of `objdump -d`, each known under every name that `nm` has for its address. */
function bodies(disassembly: string, symbols: string): Map<string, Body> {
  const byAddress = new Map<number, Body>();
  const byName = new Map<string, Body>();
  let body: Body | undefined;
  for (const line of disassembly.split('\n')) {
    const head = /^([0-9a-f]+) <([^>]+)>:$/.exec(line);
    if (head) {
      body = { names: new Set([head[2]!]), lines: [] };
      byAddress.set(Number.parseInt(head[1]!, 16), body);
      byName.set(head[2]!, body);
    } else {
      const code = /^\s*[0-9a-f]+:\t[0-9a-f ]+\t(.*)$/.exec(line);
      if (code) body?.lines.push(code[1]!.replace('\t', ' '));
    }
  }
  for (const [, address, name] of symbols.matchAll(/^([0-9a-f]+) [TtWw] (\S+)$/gm)) {
    const at = byAddress.get(Number.parseInt(address!, 16));
    at?.names.add(name!);
    if (at) byName.set(name!, at);
  }
  return byName;
}

/**
 * Frames by function name.
 *
 * @param disassembly `objdump -d` of the image
 * @param symbols     `nm` of the image
 */
export function libraryFrames(
  disassembly: string,
  symbols: string,
): (name: string) => StackFunction {
  const byName = bodies(disassembly, symbols);
  return (name) => {
    const body = byName.get(name);
    if (!body) throw new Error(`nothing is known of the stack of ${name}`);
    const callees = new Set<string>();
    let frame = 0;
    for (const line of body.lines) {
      frame += pushedBytes(line);
      if (/^blx\s+r/.test(line)) throw new Error(`${name} calls through a pointer`);
      const target = /^b\S*\s+(?:r\d+, )?[0-9a-f]+ <([^>+]+)(\+[^>]*)?>/.exec(line);
      if (target && !body.names.has(target[1]!)) callees.add(target[1]!);
    }
    return { frame, callees: [...callees] };
  };
}

/**
 * As `libraryFrames`, for the call graph of gcc, which also lists helpers that it weighed and did
 * not call: where it may divide with or without sign, it lists both. A linked image has a symbol for
 * everything that is called, so what has none takes no stack.
 */
export function calledFrames(
  disassembly: string,
  symbols: string,
): (name: string) => StackFunction {
  const frames = libraryFrames(disassembly, symbols);
  const linked = new Set([...symbols.matchAll(/ (\S+)$/gm)].map(([, name]) => name));
  return (name) => (linked.has(name) ? frames(name) : { frame: 0, callees: [] });
}

/**
 * The most that a helper of Thumb-1 jump tables pushes. gcc calls them where a `switch` stands and
 * leaves them out of its call graph; they call nothing.
 */
export function caseHelperBytes(disassembly: string): number {
  const helpers = [...bodies(disassembly, '')].filter(([name]) => /^__gnu_thumb1_case/.test(name));
  return Math.max(
    0,
    ...helpers.map(([, { lines }]) => lines.reduce((sum, line) => sum + pushedBytes(line), 0)),
  );
}
