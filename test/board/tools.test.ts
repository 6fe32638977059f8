import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listDevices } from '../../host/board/devices.js';
import { doctor } from '../../host/board/doctor.js';
import { installCommands, setupMachine } from '../../host/board/setup.js';
import { runTool } from '../../host/board/toolchain/run-tool.js';
import {
  findProgram,
  findTool,
  requireTool,
  toolNames,
  webgpuTools,
} from '../../host/board/toolchain/tools.js';
import { temporaryFolder } from './support.js';

/** Makes PATH one folder with these shell scripts in it. */
function onlyPrograms(t: TestContext, programs: Readonly<Record<string, string>>): string {
  const dir = temporaryFolder(t);
  const before = process.env.PATH;
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  process.env.PATH = dir;
  t.after(() => {
    process.env.PATH = before;
  });
  return dir;
}

test('a program is the first executable file in PATH', (t) => {
  const dir = onlyPrograms(t, { yes: 'true' });
  writeFileSync(join(dir, 'plain'), '');
  mkdirSync(join(dir, 'folder'));
  assert.equal(findProgram('yes'), join(dir, 'yes'));
  for (const name of ['plain', 'folder', 'absent']) assert.equal(findProgram(name), undefined);
});

test('a tool that is missing is an error with the command that installs it', async (t) => {
  onlyPrograms(t, {});
  await assert.rejects(requireTool('arm-none-eabi-gcc', 'board mps2-an386'), {
    name: 'ToolchainError',
    code: 6,
    message: /mps2-an386 needs arm-none-eabi-gcc/,
    hint: /edge-nn setup.*sudo apt-get install gcc-arm-none-eabi/,
  });
});

test('a compiler without its C library is not enough, nor is one of another kind', async (t) => {
  onlyPrograms(t, {
    'arm-none-eabi-gcc': 'case "$1" in --version) echo "gcc 12";; *) echo "libc.a";; esac',
    gcc: 'echo "clang version 15"',
  });
  assert.equal((await findTool('arm-none-eabi-gcc'))?.version, 'gcc 12');
  assert.equal(await findTool('arm-newlib'), undefined);
  assert.equal(await findTool('cc'), undefined);
});

test('a tool that does not end is killed', async () => {
  const endless = runTool(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    timeoutMs: 200,
  });
  await assert.rejects(endless, { code: 6, message: /SIGKILL/ });
  await assert.rejects(runTool('/no/such/tool', []), { code: 6, message: /no\/such\/tool/ });
});

test('doctor names what is missing and the boards that lack it', async (t) => {
  onlyPrograms(t, { gcc: 'echo "gcc 12"' });
  const result = await doctor();
  assert.equal(result.ok, false);
  assert.deepEqual(
    result.tools.filter(({ found }) => found).map(({ name }) => name),
    ['cc'],
  );
  const state = new Map(result.boards.map((board) => [board.name, board]));
  assert.equal(state.get('virtual')!.available, true);
  assert.equal(state.get('host')!.available, true);
  assert.deepEqual(state.get('microbit')!.missing, [
    'arm-none-eabi-gcc',
    'arm-newlib',
    'qemu-system-arm',
  ]);
  assert.equal(result.mend[0], 'edge-nn setup');
  assert.match(result.mend[1]!, /^sudo apt-get install gcc-arm-none-eabi libnewlib/);
});

test('devices lists every board', async () => {
  const { boards, ports } = await listDevices();
  assert.ok(Array.isArray(ports));
  assert.equal(boards.find(({ name }) => name === 'virtual')?.available, true);
  assert.ok(boards.every(({ description, cpu }) => description !== '' && cpu !== ''));
});

test('packages are installed with apt, through sudo where needed', () => {
  const apt = '/usr/bin/apt-get';
  assert.deepEqual(installCommands([], { root: false, apt: undefined, sudo: undefined }), []);
  const [update, install] = installCommands(['qemu-system-arm'], {
    root: true,
    apt,
    sudo: undefined,
  });
  assert.equal(update!.at(-1), 'update');
  assert.equal(install![0], 'env');
  assert.deepEqual(install!.slice(-3), ['install', '--no-install-recommends', 'qemu-system-arm']);
  const asUser = installCommands(['gcc'], { root: false, apt, sudo: '/usr/bin/sudo' });
  assert.ok(asUser.every(([first]) => first === '/usr/bin/sudo'));
});

test('without apt or root, setup says what to install by hand', () => {
  assert.throws(() => installCommands(['gcc'], { root: true, apt: undefined, sudo: undefined }), {
    code: 6,
    hint: /gcc/,
  });
  assert.throws(() => installCommands(['gcc'], { root: false, apt: '/a', sudo: undefined }), {
    code: 6,
    hint: /As root, run `apt-get install gcc`/,
  });
});

test('setup installs what is missing, once, and nothing that is there', async (t) => {
  const script = 'echo "gcc 12"';
  const dir = onlyPrograms(t, { gcc: script, sudo: 'exec "$@"' });
  const log = join(dir, 'log');
  const tool = 'case "$1" in --version) echo v1;; *) echo /lib/libc.a;; esac';
  const make = (name: string): string =>
    `printf '#!/bin/sh\\n%s\\n' '${tool}' > ${dir}/${name}; /bin/chmod 755 ${dir}/${name}`;
  writeFileSync(
    join(dir, 'apt-get'),
    `#!/bin/sh\necho "$@" >> ${log}\n${make('arm-none-eabi-gcc')}\n${make('qemu-system-arm')}\n`,
  );
  chmodSync(join(dir, 'apt-get'), 0o755);
  writeFileSync(join(dir, 'env'), '#!/bin/sh\nshift\nexec "$@"\n');
  chmodSync(join(dir, 'env'), 0o755);

  const lines: string[] = [];
  const dry = await setupMachine({ dryRun: true, report: (line) => lines.push(line) });
  assert.deepEqual(dry.installed, ['arm-none-eabi-gcc', 'arm-newlib', 'qemu-system-arm']);
  assert.equal(await findTool('qemu-system-arm'), undefined);
  assert.ok(lines.some((line) => line.startsWith('would run: ')));

  const done = await setupMachine();
  assert.deepEqual(done.present, ['cc']);
  assert.deepEqual(done.commands, dry.commands);
  assert.ok(!done.commands.flat().includes('libc6-dev'));
  for (const name of toolNames) assert.ok(await findTool(name), name);

  const again = await setupMachine();
  assert.deepEqual(again.commands, []);
  assert.deepEqual(again.installed, []);
});

test('setup for the engine webgpu adds what it lacks here, and doctor speaks of boards alone', async (t) => {
  onlyPrograms(t, { gcc: 'echo "gcc 12"', 'apt-get': 'exit 1', sudo: 'exit 1' });
  const plain = await setupMachine({ dryRun: true });
  const more = await setupMachine({ dryRun: true, webgpu: true });
  assert.deepEqual(more.installed, [...plain.installed, ...webgpuTools()]);
  assert.equal(more.commands.flat().includes('chromium'), webgpuTools().length > 0);
  assert.deepEqual(
    (await doctor()).tools.map(({ name }) => name),
    toolNames,
  );
});
