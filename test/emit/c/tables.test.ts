import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsOf } from '../../../host/emit/c/rules.js';
import { importTflite } from '../../../host/front/tflite/import-tflite.js';
import { borderOf } from '../../../host/ir/border.js';
import { type Graph, getData, getValue } from '../../../host/ir/graph.js';
import type { Lowered } from '../../../host/lower/lowered.js';
import { lower } from '../../../host/lower/pipeline.js';
import { modelBytes, modelFiles } from '../../format/support.js';

/** Bytes of all tables that the emitted C has. */
function tableBytes({ graph, steps }: Lowered): number {
  const tables = new Map<string, number>();
  for (const { node, kernel } of steps) {
    for (const { operand } of callsOf(graph, node, kernel).flatMap(({ args }) => args)) {
      if (operand.kind === 'table') tables.set(operand.key, operand.data.byteLength);
    }
  }
  return [...tables.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Weights that the lowered graph has, and nine bytes for each channel that they make. */
function liveBytes(graph: Graph): number {
  let bytes = 0;
  for (const { inputs, output } of graph.nodes) {
    const w = inputs[1];
    if (w === undefined || getValue(graph, w).kind !== 'const') continue;
    bytes += getData(graph, w).length + 9 * getValue(graph, output).shape.at(-1)!;
  }
  return bytes;
}

/** Models whose weights must take at most so much. */
const limits: Readonly<Record<string, number>> = {
  mlperftiny_ad01_int8: Number.POSITIVE_INFINITY,
  mlperftiny_ic01_resnet_int8: Number.POSITIVE_INFINITY,
  mlperftiny_kws_ref_int8: Number.POSITIVE_INFINITY,
  mlperftiny_sww_ref_int8: Number.POSITIVE_INFINITY,
  mlperftiny_vww_96_int8: 44_000,
  tflm_person_detect_int8: Number.POSITIVE_INFINITY,
};

for (const [model, limit] of Object.entries(limits)) {
  test(`tables of ${model} take at most 5 % more than its live weights`, (t) => {
    if (!modelFiles('.tflite').includes(`${model}.tflite`)) return t.skip(`no ${model} here`);
    const source = importTflite(modelBytes(`${model}.tflite`), model);
    const lowered = lower(source, { arch: 'dsp', align: 4 });
    assert.ok(!lowered.graph.nodes.some(borderOf), 'a border');
    const bytes = tableBytes(lowered);
    assert.ok(bytes <= 1.05 * liveBytes(lowered.graph), `${bytes} bytes`);
    assert.ok(bytes <= limit, `${bytes} bytes`);
  });
}
