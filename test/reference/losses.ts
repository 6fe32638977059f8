/**
 * Softmax and the losses over it in float64.
 */
import { byRow, type Tensor, total } from './tensor.js';

export function softmax(row: ArrayLike<number>): Float64Array {
  const best = Math.max(...Array.from(row));
  const powers = Float64Array.from(row, (x) => Math.exp(x - best));
  const sum = total(powers);
  return powers.map((power) => power / sum);
}

export function softCrossEntropy([logits, targets]: readonly Tensor[]): Float64Array {
  const losses = byRow(logits!, (values, r) => {
    const target = targets!.data.subarray(r * values.length);
    return softmax(values).map((p, i) => -target[i]! * Math.log(p));
  });
  return Float64Array.of(total(losses) / logits!.shape[0]!);
}

export function softCrossEntropyGrad([logits, targets, dloss]: readonly Tensor[]): Float64Array {
  const factor = dloss!.data[0]! / logits!.shape[0]!;
  return byRow(logits!, (values, r) => {
    const target = targets!.data.subarray(r * values.length, (r + 1) * values.length);
    const sum = total(target);
    return softmax(values).map((p, i) => factor * (p * sum - target[i]!));
  });
}

export function softmaxCrossEntropy([logits, labels]: readonly Tensor[]): Float64Array {
  const losses = byRow(logits!, (values, r) =>
    softmax(values).map((p, i) => (i === labels!.data[r] ? -Math.log(p) : 0)),
  );
  return Float64Array.of(total(losses) / logits!.shape[0]!);
}

export function softmaxCrossEntropyGrad([logits, labels, dloss]: readonly Tensor[]): Float64Array {
  const factor = dloss!.data[0]! / logits!.shape[0]!;
  return byRow(logits!, (values, r) =>
    softmax(values).map((p, i) => factor * (p - (i === labels!.data[r] ? 1 : 0))),
  );
}

export function softmaxGrad([y, dy]: readonly Tensor[]): Float64Array {
  return byRow(y!, (values, r) => {
    const gradient = dy!.data.subarray(r * values.length, (r + 1) * values.length);
    const sum = total(values.map((v, i) => v * gradient[i]!));
    return values.map((v, i) => v * (gradient[i]! - sum));
  });
}
