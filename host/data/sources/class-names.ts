/**
 * Which number a class has that the data knows by name.
 */
import { BadInputError } from '../../core/errors.js';

const folded = (name: string): string => name.toLowerCase();

/**
 * The names of the classes in the order of their numbers. Without known names they are sorted by
 * their UTF-16 units. Known names, those of the model's labels or of the training data, decide the
 * order; upper and lower case count as the same where that is not ambiguous.
 *
 * @param found names in the data, in any order, repeats allowed
 * @param where the place of a name, for the error
 * @throws BadInputError naming a class that is not known
 */
export function orderClasses(
  found: Iterable<string>,
  known: readonly string[] | undefined,
  where: (name: string) => string,
): { readonly names: readonly string[]; readonly numbers: ReadonlyMap<string, number> } {
  const distinct = [...new Set(found)].sort();
  const names = known ?? distinct;
  const exact = new Map(names.map((name, i) => [name, i]));
  const loose = new Map(names.map((name, i) => [folded(name), i]));
  const unambiguous = loose.size === names.length;
  const numbers = distinct.map((name): readonly [string, number] => {
    const number = exact.get(name) ?? (unambiguous ? loose.get(folded(name)) : undefined);
    if (number !== undefined) return [name, number];
    throw new BadInputError(
      `${where(name)} has class '${name}', expected one of ${names.join(', ')}`,
      {
        hint: "Train and test data and the model's labels must name the same classes; rename, or give classes=A/B/C in the spec.",
        where: where(name),
      },
    );
  });
  return { names, numbers: new Map(numbers) };
}
