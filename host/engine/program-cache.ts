/**
 * Programs that are compiled when they are first wanted, and live together.
 */
import type { Program } from './types.js';

export interface ProgramCache<Key, Entry> {
  get(key: Key): Entry;
  /** Bytes of memory of all programs so far. */
  memoryBytes(): number;
  dispose(): void;
}

/** A cache of programs, each with what its owner knows of it, by keys such as a batch size. */
export function programCache<Key, Entry extends { readonly program: Program }>(
  compile: (key: Key) => Entry,
): ProgramCache<Key, Entry> {
  const entries = new Map<Key, Entry>();
  return {
    get(key) {
      const entry = entries.get(key) ?? compile(key);
      entries.set(key, entry);
      return entry;
    },
    memoryBytes: () =>
      [...entries.values()].reduce((sum, { program }) => sum + program.memoryBytes, 0),
    dispose() {
      for (const { program } of entries.values()) program.dispose();
      entries.clear();
    },
  };
}
