/**
 * `model.h`: the sizes of a model as macros, so that its memory can be static.
 */
import type { Lowered } from '../../lower/lowered.js';
import { cComment } from './text.js';

/** The text of model.h. */
export function modelHeader(lowered: Lowered): string {
  const { graph } = lowered;
  const macros: readonly (readonly [string, number])[] = [
    ['ARENA_BYTES', lowered.arenaBytes],
    ['ARENA_ALIGN', lowered.target.align],
    ['STATE_BYTES', 0],
    ['INPUTS', graph.inputs.length],
    ['OUTPUTS', graph.outputs.length],
    ['STEPS', lowered.steps.length],
    ...(lowered.rows?.group.streams ? [['STREAM_INPUT', 1] as const] : []),
  ];
  return `/* ${cComment(graph.name)}: sizes of the model. Emitted by edge-nn; do not edit. */
#ifndef ENN_GENERATED_MODEL_H
#define ENN_GENERATED_MODEL_H

#include "enn_model.h"

${macros.map(([name, value]) => `#define ENN_${name} ${value}`).join('\n')}

#endif
`;
}
