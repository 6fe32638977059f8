/** Union-find: things that belong together. */
export interface Groups<T> {
  /** The one that stands for the group of a thing; itself where nothing was joined to it. */
  root(thing: T): T;
  join(a: T, b: T): void;
}

export function createGroups<T>(): Groups<T> {
  const parent = new Map<T, T>();
  const root = (thing: T): T => {
    const up = parent.get(thing);
    return up === undefined ? thing : root(up);
  };
  return {
    root,
    join(a, b) {
      const [ra, rb] = [root(a), root(b)];
      if (ra !== rb) parent.set(ra, rb);
    },
  };
}
