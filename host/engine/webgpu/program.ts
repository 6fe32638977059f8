/**
 * A program on the device: its buffers, pipelines and commands.
 *
 * Bind group 0 is the memory; bind group 1 shows one dispatch's parameters through a moving window.
 */
import { UsageError } from '../../core/errors.js';
import type { GpuProgram } from './protocol.js';

/** GPUBufferUsage, GPUMapMode and GPUShaderStage, which are globals in browsers only. */
const usage = { mapRead: 0x1, copySrc: 0x4, copyDst: 0x8, storage: 0x80 } as const;
const mapModeRead = 0x1;
const computeStage = 0x4;

export interface LoadedProgram {
  write(at: number, data: Uint8Array): void;
  /** A copy. */
  read(at: number, length: number): Promise<Uint8Array>;
  run(): void;
  destroy(): void;
}

export type Loader = (program: GpuProgram) => Promise<LoadedProgram>;

/** A run of bytes of the memory that lies in one buffer. */
interface Piece {
  readonly buffer: GPUBuffer;
  readonly at: number;
  /** Where it begins in the whole. */
  readonly from: number;
  readonly length: number;
}

/** The buffers of a program's memory, the last one no longer than needed. */
function allocate(device: GPUDevice, { bytes, segments }: GpuProgram) {
  const segmentBytes = 4 * 2 ** segments.shift;
  const buffers = Array.from({ length: segments.count }, (_, i) =>
    device.createBuffer({
      size: Math.max(16, Math.min(segmentBytes, bytes - i * segmentBytes)),
      usage: usage.storage | usage.copySrc | usage.copyDst,
    }),
  );

  function pieces(at: number, length: number): Piece[] {
    const out: Piece[] = [];
    for (let from = 0; from < length; from += out.at(-1)!.length) {
      const offset = (at + from) % segmentBytes;
      const buffer = buffers[Math.floor((at + from) / segmentBytes)]!;
      const rest = Math.min(length - from, segmentBytes - offset);
      out.push({ buffer, at: offset, from, length: rest });
    }
    return out;
  }
  return { buffers, pieces };
}

/** Runs `action`; what the device says about it becomes an error. */
async function checked<T>(device: GPUDevice, action: () => Promise<T>): Promise<T> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let result: T | undefined;
  let thrown: unknown;
  try {
    result = await action();
  } catch (error) {
    thrown = error;
  }
  const memory = await device.popErrorScope();
  const invalid = await device.popErrorScope();
  if (memory) {
    throw new UsageError('the memory of the GPU does not suffice', {
      hint: 'Use a smaller batch.',
      where: memory.message,
    });
  }
  // The first thing that was wrong is in the scope; what was thrown may only follow from it.
  if (invalid) throw new Error(invalid.message);
  if (thrown !== undefined) throw thrown;
  return result as T;
}

/** The layouts that all pipelines over so many buffers share. */
function layoutsOf(device: GPUDevice, count: number) {
  const memory = device.createBindGroupLayout({
    entries: Array.from({ length: count }, (_, binding) => ({
      binding,
      visibility: computeStage,
      buffer: { type: 'storage' as const },
    })),
  });
  const params = device.createBindGroupLayout({
    entries: [
      {
        binding: 0,
        visibility: computeStage,
        buffer: { type: 'read-only-storage', hasDynamicOffset: true },
      },
    ],
  });
  const pipeline = device.createPipelineLayout({ bindGroupLayouts: [memory, params] });
  return { memory, params, pipeline };
}

type Layouts = ReturnType<typeof layoutsOf>;

/** A pipeline of each source and entry point, compiled once. */
function createPipelines(device: GPUDevice) {
  const modules = new Map<string, GPUShaderModule>();
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  return (code: string, entryPoint: string, layout: GPUPipelineLayout) => {
    const key = `${entryPoint}\n${code}`;
    const known = pipelines.get(key);
    if (known) return known;
    const module = modules.get(code) ?? device.createShaderModule({ code });
    modules.set(code, module);
    const made = device.createComputePipelineAsync({ layout, compute: { module, entryPoint } });
    pipelines.set(key, made);
    return made;
  };
}

function bindGroups(
  device: GPUDevice,
  layouts: Layouts,
  buffers: readonly GPUBuffer[],
  program: GpuProgram,
) {
  const params = device.createBuffer({
    size: program.params.byteLength,
    usage: usage.storage | usage.copyDst,
  });
  device.queue.writeBuffer(params, 0, program.params as Int32Array<ArrayBuffer>);
  const memory = device.createBindGroup({
    layout: layouts.memory,
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const window = device.createBindGroup({
    layout: layouts.params,
    entries: [{ binding: 0, resource: { buffer: params, size: program.window } }],
  });
  return { memory, window, params };
}

/** Writes the dispatches of a program down. */
function encode(
  pass: GPUComputePassEncoder,
  { dispatches }: GpuProgram,
  pipelines: readonly GPUComputePipeline[],
  { memory, window }: ReturnType<typeof bindGroups>,
): void {
  pass.setBindGroup(0, memory);
  for (const { pipeline, params, groups } of dispatches) {
    pass.setPipeline(pipelines[pipeline]!);
    pass.setBindGroup(1, window, [params]);
    pass.dispatchWorkgroups(...groups);
  }
  pass.end();
}

/** Prepares programs for a device. */
export function createLoader(device: GPUDevice): Loader {
  const layouts = new Map<number, Layouts>();
  const pipelineOf = createPipelines(device);
  const staging = createStaging(device);

  function layoutsFor(count: number): Layouts {
    const made = layouts.get(count) ?? layoutsOf(device, count);
    layouts.set(count, made);
    return made;
  }

  return (program) =>
    checked(device, async () => {
      const shared = layoutsFor(program.segments.count);
      const { buffers, pieces } = allocate(device, program);
      const groups = bindGroups(device, shared, buffers, program);
      const pipelines = await Promise.all(
        program.pipelines.map(({ code, entry }) => pipelineOf(code, entry, shared.pipeline)),
      );

      return {
        write(at, data) {
          for (const piece of pieces(at, data.length)) {
            const { from, length } = piece;
            device.queue.writeBuffer(piece.buffer, piece.at, data as Bytes, from, length);
          }
        },
        read: (at, length) => staging(pieces(at, length), length),
        run() {
          const encoder = device.createCommandEncoder();
          encode(encoder.beginComputePass(), program, pipelines, groups);
          device.queue.submit([encoder.finish()]);
        },
        destroy() {
          for (const buffer of [...buffers, groups.params]) buffer.destroy();
        },
      };
    });
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Copies from the device by way of a buffer that the host can map; it grows to what is read. */
function createStaging(device: GPUDevice) {
  let buffer: GPUBuffer | undefined;
  return async (pieces: readonly Piece[], length: number): Promise<Uint8Array> => {
    if (!buffer || buffer.size < length) {
      buffer?.destroy();
      buffer = device.createBuffer({ size: length, usage: usage.mapRead | usage.copyDst });
    }
    const encoder = device.createCommandEncoder();
    for (const piece of pieces) {
      encoder.copyBufferToBuffer(piece.buffer, piece.at, buffer, piece.from, piece.length);
    }
    device.queue.submit([encoder.finish()]);
    await buffer.mapAsync(mapModeRead, 0, length);
    const bytes = new Uint8Array(buffer.getMappedRange(0, length)).slice();
    buffer.unmap();
    return bytes;
  };
}
