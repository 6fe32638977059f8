/**
 * The public face of edge-nn: the builder for model files, and every verb of the command line as an
 * async function that returns what `--json` prints.
 */

export type { Certificate } from './board/certificate.js';
export type { CompileResult } from './board/compile.js';
export type { DevicesResult } from './board/devices.js';
export type { DoctorResult } from './board/doctor.js';
export type { FlashResult } from './board/flash.js';
export type { SetupResult } from './board/setup.js';
export type { Context } from './cli/command.js';
export {
  type BenchLayer,
  type BenchOptions,
  type BenchResult,
  type BenchSize,
  bench,
} from './cli/commands/bench.js';
export { type CompileOptions, compile, type ExportReport } from './cli/commands/compile.js';
export {
  type ConvertOptions,
  type ConvertReport,
  convert,
} from './cli/commands/convert.js';
export { type DemoOptions, type DemoReport, demo } from './cli/commands/demo.js';
export { devices } from './cli/commands/devices.js';
export { doctor } from './cli/commands/doctor.js';
export {
  type EvalOptions,
  type EvalReport,
  evaluate,
  evaluate as eval,
  type FloatEvaluation,
} from './cli/commands/eval.js';
export { type FlashOptions, flash } from './cli/commands/flash.js';
export { type Info, info } from './cli/commands/info.js';
export { type MonitorOptions, type MonitorReport, monitor } from './cli/commands/monitor.js';
export { type QuantizeOptions, type QuantizeReport, quantize } from './cli/commands/quantize.js';
export { type RunOptions, type RunReport, run } from './cli/commands/run.js';
export { setup } from './cli/commands/setup.js';
export { type TrainOptions, type TrainReport, train } from './cli/commands/train.js';
export * from './core/errors.js';
export {
  type AugmentKey,
  augmentExample,
  augmented,
  parseAugmentation,
} from './data/augment.js';
export type { Dataset, InputGrid, Target } from './data/dataset.js';
export { createMfcc, type Mfcc, type MfccOptions, mfcc } from './data/mfcc.js';
export { openDataset } from './data/open.js';
export type { OpenOptions } from './data/open-options.js';
export { type ImageSize, type ResizeOptions, resizeImage } from './data/resize.js';
export { type IdxTensor, readIdx, writeIdx } from './format/idx.js';
export { decodeImage, type Image } from './format/image.js';
export { readNpz, writeNpz } from './format/npz.js';
export { decodeExample, type Example, encodeExample, type Feature } from './format/tf-example.js';
export { encodeTfrecord, maskedCrc32c, readTfrecords, type Tfrecord } from './format/tfrecord.js';
export { readWav, type Wav, type WavEncoding, writeWav } from './format/wav.js';
export * from './front/arrays.js';
export type { Augmentation } from './front/augmentation.js';
export { type Config, defineConfig } from './front/config.js';
export * from './front/elementwise.js';
export * from './front/layers.js';
export { type Model, type ModelOptions, model } from './front/model.js';
export type { LayerOptions, Tensor } from './front/tensor.js';
