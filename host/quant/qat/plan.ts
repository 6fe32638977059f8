/**
 * Which values of a model are quantized together in quantization-aware training, and how the ranges
 * of each are called. The steps, schemes and groups are those by which quantize.ts makes the integer
 * graph, so both quantize the same values alike.
 */
import { BadInputError } from '../../core/errors.js';
import { type Graph, getValue, type Node, type ValueId } from '../../ir/graph.js';
import { type FoldedParameters, foldBatchNorm } from '../../rewrite/fold-batch-norm.js';
import { forInference } from '../../rewrite/for-inference.js';
import { isSchemeName, type Scheme, schemes } from '../../scheme/schemes.js';
import type { QatSetup } from '../../train/qat-setup.js';
import {
  assignSchemes,
  groupValues,
  type SchemeOf,
  sameActivations,
  type ValueGroups,
} from '../assign.js';
import { fuseBounds, type Step } from '../fuse.js';

export interface QatPlan {
  /** Stage float, batch 1. */
  readonly model: Graph;
  /** The same, as the quantizer prepares it: normalization folded. */
  readonly prepared: Graph;
  /** Where the constants of `prepared` that folding made come from. */
  readonly folded: FoldedParameters;
  readonly steps: readonly Step[];
  readonly schemeOf: SchemeOf;
  readonly groups: ValueGroups;
  readonly setup: QatSetup;
}

function schemeNamed(name: string): Scheme {
  if (isSchemeName(name)) return schemes[name];
  throw new BadInputError(`the checkpoint was trained for a scheme ${name}, which there is not`, {
    hint: `Schemes are ${Object.keys(schemes).join(', ')}.`,
  });
}

/** @throws UnsupportedError (exit code 4) naming an op without int8 form */
export function planQat(model: Graph, setup: QatSetup): QatPlan {
  const folded: FoldedParameters = new Map();
  const prepared = foldBatchNorm(forInference(model), folded);
  const steps = fuseBounds(prepared);
  const layers = Object.entries(setup.layers).map(([id, name]) => [id, schemeNamed(name)] as const);
  const schemeOf = assignSchemes(steps, schemeNamed(setup.scheme), new Map(layers));
  const groups = groupValues(prepared, steps, schemeOf);
  return { model, prepared, folded, steps, schemeOf, groups, setup };
}

/** The name of the ranges of an activation in the type of a scheme. */
export const gridName = ({ groups }: QatPlan, id: ValueId, as: Scheme): string =>
  `${as.types.activation}.${groups.root(id)}`;

/** The name of the scales of a layer's weights. */
export const weightsName = ({ output }: Node): string => `weights.${output}`;

/** The axis of a layer's weights along which each index has a scale. */
export function weightAxis({ setup }: QatPlan, { rule }: Step): number | undefined {
  if (rule.kind !== 'layer') return undefined;
  return rule.perAxis === 'always' || setup.perAxisDense ? rule.axis : undefined;
}

export const isFixed = ({ groups }: QatPlan, id: ValueId): boolean =>
  groups.fixed.has(groups.root(id));

/** An activation that has ranges, in the type of a scheme. */
export interface GridUse {
  readonly name: string;
  readonly id: ValueId;
  readonly as: Scheme;
  /** The ranges of a model's input are given, not trained. */
  readonly given: boolean;
}

/** Every activation that has ranges: what is computed, inputs, and both in other types. */
export function gridUses(plan: QatPlan): GridUse[] {
  const { prepared, steps, schemeOf, groups } = plan;
  const inputs = new Set(prepared.inputs.map(groups.root));
  const out = new Map<string, GridUse>();
  const use = (id: ValueId, as: Scheme): void => {
    const name = gridName(plan, id, as);
    if (isFixed(plan, id) || out.has(name)) return;
    out.set(name, { name, id, as, given: inputs.has(groups.root(id)) });
  };
  for (const id of prepared.inputs) use(id, schemeOf(id));
  for (const { node, output } of steps) {
    use(output, schemeOf(output));
    for (const id of node.inputs) {
      const computed = getValue(prepared, id).kind !== 'const';
      if (computed && !sameActivations(schemeOf(id), schemeOf(output))) use(id, schemeOf(output));
    }
  }
  return [...out.values()];
}
