/**
 * One device and the programs on it: what the GPU thread does when it is asked.
 */
import { ToolchainError } from '../../core/errors.js';
import type { Gpu } from './adapter.js';
import { createLoader, type LoadedProgram } from './program.js';
import type { GpuDescription, Request } from './protocol.js';

export interface Session {
  /** What must live as long as the device. */
  readonly gpu?: Gpu;
  /** Obeys one request; questions have an answer. */
  handle(request: Request): Promise<Reply>;
}

/** The limits that engines ask for: whatever the adapter has. */
const wanted = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const;

function describe({ info, limits }: GPUAdapter): GpuDescription {
  const parts = [info.vendor, info.architecture, info.device, info.description];
  const words =
    parts
      .join(' ')
      .toLowerCase()
      .match(/[a-z0-9.]+/g) ?? [];
  return {
    variant: ['webgpu', ...new Set(words)].join('-'),
    name: info.description || info.device || info.vendor,
    largestBuffer: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
    mostBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}

/** Opens the device of an adapter. */
export async function createSession(gpu: Gpu): Promise<Session> {
  const { adapter } = gpu;
  const requiredLimits = Object.fromEntries(wanted.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredLimits });
  const { handle } = sessionOf(device, describe(adapter));
  return { handle, gpu };
}

/** Hears of what goes wrong on a device; the result is the first of it, undefined as yet. */
function watch(device: GPUDevice): () => Error | undefined {
  let failure: Error | undefined;
  void device.lost.then(({ message, reason }) => {
    failure = new ToolchainError(`the GPU device was lost: ${message.trim() || reason}`, {
      hint: 'Run the command again, training with --resume; if it happens again, use a smaller batch or --engine wasm.',
    });
  });
  device.addEventListener('uncapturederror', (event) => {
    failure ??= new Error((event as GPUUncapturedErrorEvent).error.message);
  });
  return () => failure;
}

type Reply = GpuDescription | Uint8Array | undefined;

/** Obeys requests on a device that works. */
function performer(device: GPUDevice, description: GpuDescription) {
  const programs = new Map<number, LoadedProgram>();
  const load = createLoader(device);
  const loaded = (id: number): LoadedProgram => {
    const program = programs.get(id);
    if (!program) throw new Error(`the GPU has no program ${id}`);
    return program;
  };

  return async (request: Request): Promise<Reply> => {
    switch (request.kind) {
      case 'open':
        return description;
      case 'finish':
        await device.queue.onSubmittedWorkDone();
        return undefined;
      case 'compile':
        programs.set(request.id, await load(request.program));
        return undefined;
      case 'read':
        return await loaded(request.id).read(request.at, request.length);
      case 'write':
        loaded(request.id).write(request.at, request.data);
        return undefined;
      case 'run':
        loaded(request.id).run();
        return undefined;
      case 'dispose':
        programs.get(request.id)?.destroy();
        programs.delete(request.id);
        return undefined;
    }
  };
}

/** The session of an open device. */
export function sessionOf(device: GPUDevice, description: GpuDescription): Session {
  const failure = watch(device);
  const perform = performer(device, description);
  return {
    async handle(request) {
      const before = failure();
      if (before) throw before;
      try {
        return await perform(request);
      } catch (error) {
        // What fails on a lost device fails because it is lost; its promise is settled by now.
        await Promise.resolve();
        throw failure() ?? error;
      }
    },
  };
}
