/**
 * The GPU: npm `webgpu` (Dawn for Node) on the system's driver, or on SwiftShader, a Vulkan
 * implementation on the CPU that comes with Chromium.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { ToolchainError } from '../../core/errors.js';

/** Where Chromium and what is built from it keep SwiftShader's manifest on Linux. */
const swiftShaders = [
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/usr/lib64/chromium-browser',
  '/snap/chromium/current/usr/lib/chromium-browser',
  '/opt/google/chrome',
  '/opt/microsoft/msedge',
].map((folder) => `${folder}/vk_swiftshader_icd.json`);

const swiftShader = (): string | undefined =>
  process.platform === 'linux' ? swiftShaders.find((file) => existsSync(file)) : undefined;

/** Whether Linux shows a GPU: a render node, NVIDIA's own, or that of WSL. */
function hasDevice(): boolean {
  const has = (folder: string, pattern: RegExp): boolean =>
    existsSync(folder) && readdirSync(folder).some((name) => pattern.test(name));
  return has('/dev/dri', /^renderD/) || has('/dev', /^(nvidia\d|dxg$)/);
}

function hasPackage(): boolean {
  try {
    createRequire(import.meta.url).resolve('webgpu');
    return true;
  } catch {
    return false;
  }
}

/** Whether SwiftShader is what the engine runs on here: there is npm `webgpu`, and no GPU. */
export const wantsSwiftShader = (): boolean =>
  process.platform === 'linux' && !hasDevice() && hasPackage();

/** Runs with environment variables that the Vulkan loader reads, then restores them. */
async function withVariables<T>(
  variables: Readonly<Record<string, string>>,
  action: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await action();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/**
 * The kernels write workgroup memory before they read it: zeroing it first only costs time, and
 * makes SwiftShader take ten times as long to compile them.
 */
const dawnOptions = ['enable-dawn-features=disable_workgroup_init'];

type Create = (options: string[]) => GPU;

/** npm `webgpu`, which is optional. */
const importDawn = async (): Promise<Create> => (await import('webgpu')).create;

async function loadDawn(load: () => Promise<Create>): Promise<Create> {
  try {
    return await load();
  } catch (cause) {
    throw new ToolchainError('the engine webgpu needs the npm package webgpu', {
      hint: 'Run `npm i webgpu` (132 MB), or use --engine wasm.',
      where: (cause as Error).message,
      cause,
    });
  }
}

export interface Gpu {
  readonly adapter: GPUAdapter;
  /** Must be kept as long as the adapter. */
  readonly instance: GPU;
}

async function request(
  create: Create,
  variables: Readonly<Record<string, string>>,
): Promise<Gpu | undefined> {
  // Layers of the system's driver complain when there is no such folder.
  const folder = { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
  return withVariables({ ...folder, ...variables }, async () => {
    const instance = create([...dawnOptions]);
    const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
    return adapter ? { adapter, instance } : undefined;
  });
}

/** The environment variables to try, the best first. */
function attempts(): Readonly<Record<string, string>>[] {
  const software = swiftShader();
  const chosen = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (software === undefined || chosen !== undefined) return [{}];
  const onCpu = { VK_DRIVER_FILES: software, VK_ICD_FILENAMES: software };
  // Without a device the system's driver can only be a CPU's too, and mostly one that Dawn rejects.
  return hasDevice() ? [{}, onCpu] : [onCpu];
}

/**
 * The GPU of this machine: the system's, else SwiftShader. VK_DRIVER_FILES chooses a Vulkan driver.
 *
 * @param load loads Dawn
 * @throws ToolchainError (exit code 6) without npm webgpu or without any adapter
 */
export async function openGpu(load = importDawn): Promise<Gpu> {
  const create = await loadDawn(load);
  for (const variables of attempts()) {
    const gpu = await request(create, variables);
    if (gpu) return gpu;
  }
  throw new ToolchainError('there is no GPU that WebGPU can use', {
    hint:
      process.platform === 'linux'
        ? "Install the GPU's Vulkan driver, or run `edge-nn setup --webgpu` for SwiftShader (on the CPU), or use --engine wasm."
        : 'Install the driver of the GPU, or use --engine wasm.',
  });
}
