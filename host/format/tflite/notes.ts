/**
 * What a .tflite file written by edge-nn says beside the model: loss and labels, as JSON in a
 * metadata buffer. Other readers ignore it.
 */

/** The description of a model that edge-nn wrote. */
export const exportedBy = 'edge-nn';

/** The name of the metadata entry. */
export const metadataName = 'edge-nn';

export interface TfliteNotes {
  readonly loss?: string;
  readonly labels?: readonly string[];
}

export function writeNotes({ loss, labels }: TfliteNotes): Uint8Array {
  const text = JSON.stringify({ ...(loss && { loss }), ...(labels && { labels }) });
  return new TextEncoder().encode(text);
}

/** Entries that are missing or malformed are left out: the model works without them. */
export function readNotes(bytes: Uint8Array): TfliteNotes {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
  const { loss, labels } = (value ?? {}) as Record<string, unknown>;
  const texts = Array.isArray(labels) && labels.every((label) => typeof label === 'string');
  return {
    ...(typeof loss === 'string' && { loss }),
    ...(texts && { labels: labels as string[] }),
  };
}
