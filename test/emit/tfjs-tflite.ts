/**
 * The real TFLite interpreter for tests: the WebAssembly build in npm @tensorflow/tfjs-tflite
 * (TensorFlow Lite with XNNPACK), loaded in Node without TensorFlow.js.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface TensorInfo {
  readonly name: string;
  /** Comma-separated. */
  readonly shape: string;
  readonly dataType: string;
  /** A view into the interpreter's memory. */
  data(): Int8Array | Float32Array;
}

interface TensorList {
  size(): number;
  get(index: number): TensorInfo;
}

interface Runner {
  GetInputs(): TensorList;
  GetOutputs(): TensorList;
  Infer(): boolean;
}

interface WebApi {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  readonly TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(
      pointer: number,
      bytes: number,
      options: {
        readonly numThreads: number;
        readonly enableWebNNDelegate: boolean;
        readonly webNNDevicePreference: number;
        readonly enableProfiling: boolean;
        readonly maxProfilingBufferEntries: number;
      },
    ): { ok(): boolean; errorMessage(): string; value(): Runner };
  };
}

type Factory = (options: { readonly wasmBinary: Uint8Array }) => Promise<WebApi>;

export interface TfliteInterpreter {
  /** Runs the model once: one array per input, in order; one per output comes back. */
  run(inputs: readonly (Int8Array | Float32Array)[]): (Int8Array | Float32Array)[];
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

const options = {
  numThreads: 1,
  enableWebNNDelegate: false,
  webNNDevicePreference: 0,
  enableProfiling: false,
  maxProfilingBufferEntries: 0,
};

const listed = (list: TensorList): TensorInfo[] =>
  Array.from({ length: list.size() }, (_, i) => list.get(i));

function interpreter(api: WebApi, model: Uint8Array): TfliteInterpreter {
  const pointer = api._malloc(model.length);
  api.HEAPU8.set(model, pointer);
  const { CreateFromBufferAndOptions: create } = api.TFLiteWebModelRunner;
  const status = create.call(api.TFLiteWebModelRunner, pointer, model.length, options);
  if (!status.ok()) throw new Error(`tfjs-tflite refuses the model: ${status.errorMessage()}`);
  const runner = status.value();
  return {
    inputs: listed(runner.GetInputs()).map(({ name, shape }) => ({
      name,
      shape: shape.split(',').map(Number),
    })),
    run(values) {
      for (const [i, tensor] of listed(runner.GetInputs()).entries()) tensor.data().set(values[i]!);
      if (!runner.Infer()) throw new Error('tfjs-tflite: inference failed');
      return listed(runner.GetOutputs()).map((tensor) => tensor.data().slice());
    },
  };
}

let loading: Promise<WebApi> | undefined;

/** Loads the interpreter once; the function that comes back makes a model of .tflite bytes. */
export async function loadTfliteInterpreter(): Promise<(model: Uint8Array) => TfliteInterpreter> {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve('@tensorflow/tfjs-tflite/package.json')), 'wasm');
  const factory: Factory = require(join(folder, 'tflite_web_api_cc_simd.js'));
  loading ??= factory({ wasmBinary: readFileSync(join(folder, 'tflite_web_api_cc_simd.wasm')) });
  const api = await loading;
  return (model) => interpreter(api, model);
}
