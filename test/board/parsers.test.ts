import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseOverflow } from '../../host/board/build-gnu.js';
import { deepestPath, parseCallGraph } from '../../host/board/call-graph.js';
import { modelFlash, tableNames } from '../../host/board/certificate.js';
import { parseGnuMap, parseWasmMap } from '../../host/board/image-map.js';
import {
  calledFrames,
  caseHelperBytes,
  libraryFrames,
  pushedBytes,
} from '../../host/board/library-frames.js';
import { elfSections } from '../../host/board/toolchain/elf.js';

const gnuMap = `Discarded input sections

 .text.unused   0x00000000      0x999 model.o

Linker script and memory map

LOAD model.o
.text           0x00000000     0x11e4
 *(.vectors)
 .vectors       0x00000000       0x44 objects/startup.o
 .text.enn_model_run
                0x00000bdc       0x60 objects/model.o
                0x00000bdc                enn_model_run
 .text          0x00000ea0      0x134 /usr/lib/arm/v7e-m+fp/hard/libc.a(lib_a-memcpy.o)
                0x00000ea0                memcpy
 .rodata.w1     0x00001078       0x40 objects/model.o
 .rodata.steps  0x000010b8       0x30 objects/model.o
 *fill*         0x000010e8        0x2 

.bss            0x20000800     0x266c load address 0x000011f0
 .bss.arena     0x20000d20      0x140 objects/memory.o
.debug_info     0x00000000       0xb4
 .debug_info    0x00000000       0xb4 objects/model.o
`;

const modelC = `static const ENN_CONST int8_t w1[64] = {
static const ENN_CONST struct enn_step steps[] = {`;

test("GNU ld's map: sections with their objects, over one line or two", () => {
  assert.deepEqual(parseGnuMap(gnuMap), [
    { section: '.vectors', object: 'startup', bytes: 0x44, output: '.text' },
    { section: '.text.enn_model_run', object: 'model', bytes: 0x60, output: '.text' },
    { section: '.text', object: 'lib_a-memcpy', bytes: 0x134, output: '.text' },
    { section: '.rodata.w1', object: 'model', bytes: 0x40, output: '.text' },
    { section: '.rodata.steps', object: 'model', bytes: 0x30, output: '.text' },
    { section: '.bss.arena', object: 'memory', bytes: 0x140, output: '.bss' },
    { section: '.debug_info', object: 'model', bytes: 0xb4, output: '.debug_info' },
  ]);
  assert.throws(() => parseGnuMap('no map'), /no memory map/);
});

test("a model's flash is its code and its tables; debugging information is neither", () => {
  assert.deepEqual([...tableNames(modelC)], ['w1']);
  const flash = modelFlash(parseGnuMap(gnuMap), modelC);
  assert.deepEqual(flash, { code: 0x60 + 0x30, weights: 0x40, total: 0xd0 });
});

test("wasm-ld's map: functions and data with their objects", () => {
  const placed = parseWasmMap(`    Addr      Off     Size Out     In      Symbol
       -      126     1cd1 CODE
       -      127       99         /tmp/enn_device-62bf3f.o:(enn_device_init)
       -      127       99                 enn_device_init
       -     1df7      15c DATA
    4000     1df8      150 .rodata
    4070     1e70       30         /tmp/model-f6101c.o:(.rodata.steps)
    4070     1e70       30                 steps
    4150     1df7    23284 .bss
    4150     1df7      140         /tmp/memory-c15c92.o:(.bss.arena)
`);
  assert.deepEqual(placed, [
    { section: 'enn_device_init', object: 'enn_device', bytes: 0x99, output: 'CODE' },
    { section: '.rodata.steps', object: 'model', bytes: 0x30, output: '.rodata' },
    { section: '.bss.arena', object: 'memory', bytes: 0x140, output: '.bss' },
  ]);
});

const node = (title: string, bytes: number, kind = 'static'): string =>
  `node: { title: "${title}" label: "${title}\\nfile.c:1:1\\n${bytes} bytes (${kind})" }`;
const edge = (from: string, to: string): string =>
  `edge: { sourcename: "${from}" targetname: "${to}" label: "file.c:2:2" }`;
const nothing = (name: string): never => {
  throw new Error(`asked for ${name}`);
};

test('the stack is the longest path by bytes, across files and library functions', () => {
  const graph = parseCallGraph([
    [
      node('main', 8),
      'node: { title: "shallow" label: "shallow\\nother.c:1:1" shape : ellipse }',
      ...[edge('main', 'shallow'), edge('main', 'a.c:deep'), edge('main', 'memcpy')],
      ...[node('a.c:deep', 100), edge('a.c:deep', 'leaf'), node('leaf', 4)],
    ].join('\n'),
    [node('shallow', 16), edge('shallow', 'leaf')].join('\n'),
  ]);
  const library = (name: string) => ({ frame: name === 'memcpy' ? 24 : Number.NaN, callees: [] });
  assert.deepEqual(deepestPath(graph, 'main', library), {
    bytes: 112,
    path: ['main', 'a.c:deep', 'leaf'],
  });
  assert.equal(deepestPath(graph, 'deep', nothing).bytes, 104);
});

test('a stack without a bound is refused', () => {
  const recursive = parseCallGraph([
    [node('a', 8), node('b', 8), edge('a', 'b'), edge('b', 'a')].join('\n'),
  ]);
  assert.throws(() => deepestPath(recursive, 'a', nothing), /a calls itself/);
  const pointer = parseCallGraph([[node('a', 8), edge('a', '__indirect_call')].join('\n')]);
  assert.throws(() => deepestPath(pointer, 'a', nothing), /a calls through a pointer/);
  assert.throws(() => parseCallGraph([node('a', 8, 'dynamic')]), /varying size/);
  assert.equal(parseCallGraph([node('a', 8, 'dynamic,bounded')]).get('a')!.frame, 8);
});

test('what an Arm instruction pushes', () => {
  assert.equal(pushedBytes('push {r4, r5, r6, lr}'), 16);
  assert.equal(pushedBytes('stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}'), 36);
  assert.equal(pushedBytes('vpush {d8-d15}'), 64);
  assert.equal(pushedBytes('sub sp, #52	@ 0x34'), 52);
  assert.equal(pushedBytes('sub.w sp, sp, #1024'), 1024);
  assert.equal(pushedBytes('str.w r4, [sp, #-4]!'), 4);
  assert.equal(pushedBytes('strd r4, r5, [sp, #-16]!'), 16);
  for (const other of ['add sp, #8', 'str r0, [sp, #4]', 'pop {r4, pc}', 'mov r0, sp']) {
    assert.equal(pushedBytes(other), 0, other);
  }
  assert.throws(() => pushedBytes('sub sp, r3'), /not constant/);
  assert.throws(() => pushedBytes('mov sp, r7'), /not constant/);
});

const disassembly = `
00000010 <__udivmoddi4>:
  10:	b5f0      	push	{r4, r5, r6, r7, lr}
  12:	b085      	sub	sp, #20
  14:	f000 f8c0 	bl	40 <__clzsi2>
  18:	d1fa      	bne.n	10 <__udivmoddi4>
  1a:	bdf0      	pop	{r4, r5, r6, r7, pc}

00000040 <__clzsi2>:
  40:	4770      	bx	lr

00000050 <__gnu_thumb1_case_uqi>:
  50:	b402      	push	{r1}

00000060 <hidden>:
  60:	4798      	blx	r3
`;

test('frames of library functions come from the image, under every name', () => {
  const frames = libraryFrames(
    disassembly,
    '00000010 T __aeabi_uldivmod\n00000010 T __udivmoddi4\n',
  );
  assert.deepEqual(frames('__aeabi_uldivmod'), { frame: 40, callees: ['__clzsi2'] });
  assert.deepEqual(frames('__clzsi2'), { frame: 0, callees: [] });
  assert.throws(() => frames('absent'), /nothing is known of the stack of absent/);
  assert.throws(() => frames('hidden'), /through a pointer/);
  assert.equal(caseHelperBytes(disassembly), 4);
  assert.equal(caseHelperBytes(''), 0);
});

test('a helper that gcc weighed and did not call takes no stack; one that is linked must be known', () => {
  const frames = calledFrames(disassembly, '00000010 T __udivmoddi4\n00000900 T elsewhere\n');
  assert.deepEqual(frames('__udivmoddi4'), { frame: 40, callees: ['__clzsi2'] });
  assert.deepEqual(frames('__aeabi_uidiv'), { frame: 0, callees: [] });
  assert.throws(() => frames('elsewhere'), /nothing is known of the stack of elsewhere/);
});

test('frames of functions at addresses of eight digits, before which objdump has no blanks', () => {
  const high = `
10001f60 <memset>:
10001f60:	b570      	push	{r4, r5, r6, lr}
10001f62:	f000 f8c0 	bl	10001e74 <memcpy>
10001f66:	bd70      	pop	{r4, r5, r6, pc}
`;
  const frames = libraryFrames(high, '10001f60 T memset\n');
  assert.deepEqual(frames('memset'), { frame: 16, callees: ['memcpy'] });
});

test("the linker's diagnosis of an overflow", () => {
  const overflow = parseOverflow(
    "ld: firmware.elf section `.bss' will not fit in region `RAM'\n" +
      "ld: region `RAM' overflowed by 1240 bytes\nld: region `FLASH' overflowed by 16 bytes\n",
  );
  assert.deepEqual(overflow?.overflows, [
    { region: 'RAM', bytes: 1240 },
    { region: 'FLASH', bytes: 16 },
  ]);
  assert.equal(parseOverflow('undefined reference to `foo`'), undefined);
});

test('sections of an ELF file: this Node binary', (t) => {
  const bytes = readFileSync(process.execPath);
  if (bytes.readUInt32LE(0) !== 0x464c457f) return t.skip('this system does not use ELF');
  const sections = new Map(elfSections(bytes).map((section) => [section.name, section]));
  assert.deepEqual(
    [sections.get('.text')!, sections.get('.bss')!].map(({ allocated, writable, stored }) => ({
      allocated,
      writable,
      stored,
    })),
    [
      { allocated: true, writable: false, stored: true },
      { allocated: true, writable: true, stored: false },
    ],
  );
  assert.throws(() => elfSections(new Uint8Array(100)), /not a little-endian ELF/);
});
