/**
 * The tables of a TFLite file as data: fields in the order of their numbers.
 * Source: the public schema.fbs of TensorFlow Lite, version 3d.
 */
import { bool, bytes, enumOf, num, nums, str, table, tables, union } from './flatbuffer.js';
import { tensorTypes } from './ops.js';
import { builtinOptions } from './options.js';

const i32 = num('i32');
const u32 = num('u32');
const u64 = num('u64');
const type = enumOf('i8', tensorTypes);

const quantizationDetails = union({
  CustomQuantization: { custom: bytes(16) },
  BlockwiseQuantization: { scales: i32, zeroPoints: i32, blockSize: i32 },
  MultiAxisQuantization: {
    scales: i32,
    zeroPoints: i32,
    blockSize: i32,
    quantizedDimensions: nums('i32'),
  },
});

const sparseIndex = union({
  Int32Vector: { values: nums('i32') },
  Uint16Vector: { values: nums('u16') },
  Uint8Vector: { values: nums('u8') },
});

const quantizationSpec = {
  min: nums('f32'),
  max: nums('f32'),
  scale: nums('f32'),
  zeroPoint: nums('i64'),
  details: quantizationDetails,
  quantizedDimension: i32,
};

const sparsity = {
  traversalOrder: nums('i32'),
  blockMap: nums('i32'),
  dimMetadata: tables({
    format: enumOf('i8', ['DENSE', 'SPARSE_CSR']),
    denseSize: i32,
    arraySegments: sparseIndex,
    arrayIndices: sparseIndex,
  }),
};

export const tensorSpec = {
  shape: nums('i32'),
  type,
  buffer: u32,
  name: str(),
  quantization: table(quantizationSpec),
  isVariable: bool(),
  sparsity: table(sparsity),
  shapeSignature: nums('i32'),
  hasRank: bool(),
  variantTensors: tables({ shape: nums('i32'), type, hasRank: bool() }),
  externalBuffer: u32,
};

export const operatorSpec = {
  opcodeIndex: u32,
  inputs: nums('i32'),
  outputs: nums('i32'),
  builtinOptions: union(builtinOptions),
  customOptions: bytes(),
  customOptionsFormat: num('i8'),
  mutatingVariableInputs: nums('u8'),
  intermediates: nums('i32'),
  largeCustomOptionsOffset: u64,
  largeCustomOptionsSize: u64,
  // Options of the StableHLO operators, which no TFLite Micro runs: only their number is read.
  builtinOptions2: union({}),
  debugMetadataIndex: num('i32', -1),
};

export const subgraphSpec = {
  tensors: tables(tensorSpec),
  inputs: nums('i32'),
  outputs: nums('i32'),
  operators: tables(operatorSpec),
  name: str(),
  debugMetadataIndex: num('i32', -1),
};

const tensorMap = { name: str(), tensorIndex: u32 };

export const modelSpec = {
  version: u32,
  operatorCodes: tables({
    deprecatedBuiltinCode: num('i8'),
    customCode: str(),
    version: num('i32', 1),
    builtinCode: i32,
  }),
  subgraphs: tables(subgraphSpec),
  description: str(),
  buffers: tables({ data: bytes(16), offset: u64, size: u64 }),
  metadataBuffer: nums('i32'),
  metadata: tables({ name: str(), buffer: u32 }),
  signatureDefs: tables({
    inputs: tables(tensorMap),
    outputs: tables(tensorMap),
    signatureKey: str(),
    deprecatedTag: str(),
    subgraphIndex: u32,
  }),
  externalBufferGroups: tables({ name: str() }),
  externalBuffers: tables({ id: u32, group: u32, offset: u64, length: u64, packing: str() }),
};
