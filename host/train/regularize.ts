/**
 * What changes gradients before the optimizer: clipping by their common norm, then weight decay.
 */
import type { GraphBuilder } from '../ir/build-graph.js';
import type { ValueId } from '../ir/graph.js';
import { type Optimizer, optimizers, weightDecayOf } from './optimizers.js';

type Grads = ReadonlyMap<ValueId, ValueId>;

const scalar = { shape: [], dtype: 'f32' } as const;
/** Keeps the norm of no gradient at all from being 0 / 0. */
const tiny = 1e-30;

/** The square root of the sum of all squares. */
function normOf(builder: GraphBuilder, grads: Grads): ValueId {
  const squares = [...grads.values()].map((g) => {
    const axes = builder.values.get(g)!.shape.map((_, i) => i);
    const square = builder.add('mul', [g, g], {});
    return axes.length === 0 ? square : builder.add('sum', [square], { axes, keepDims: false });
  });
  const total = squares.reduce((sum, square) => builder.add('add', [sum, square], {}));
  const inverse = builder.add('rsqrt', [total], { epsilon: tiny });
  return builder.add('mul', [total, inverse], {}, { id: 'gradientNorm' });
}

/** All gradients times limit / max(norm, limit). */
function clip(builder: GraphBuilder, grads: Grads, limit: number): Grads {
  const bound = builder.constant(scalar, Float32Array.of(limit), { id: 'clipNorm' });
  const above = builder.add('relu', [builder.add('sub', [normOf(builder, grads), bound], {})], {});
  const largest = builder.add('add', [above, bound], {});
  const factor = builder.add('div', [bound, largest], {});
  return new Map([...grads].map(([w, g]) => [w, builder.add('mul', [g, factor], {})]));
}

/**
 * The gradients as the optimizer is to see them.
 *
 * @param undecayed parameters that weight decay leaves alone
 */
export function regularize(
  builder: GraphBuilder,
  optimizer: Optimizer,
  grads: Grads,
  undecayed: ReadonlySet<ValueId>,
): Grads {
  const { clipNorm } = optimizer;
  const clipped =
    clipNorm === undefined || grads.size === 0 ? grads : clip(builder, grads, clipNorm);
  const factor = weightDecayOf(optimizer);
  if (factor === 0 || optimizers[optimizer.name].decouple) return clipped;
  return new Map(
    [...clipped].map(([w, g]) => [
      w,
      undecayed.has(w) ? g : builder.add('scaleAdd', [w, g], { factor }),
    ]),
  );
}
