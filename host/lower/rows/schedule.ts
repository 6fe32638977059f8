/**
 * In which order the rows of several layers are computed, and what memory that takes.
 *
 * The result asks for its rows one after the other; a row asks for those that it reads, and the
 * first layer on that way that has all it needs computes one row. So every row is computed once, as
 * late as possible, and of most images a few neighbouring lines are kept. kernels/c/enn_rows.h does
 * the same on the device.
 */

/** Row r of the layer reads rows [r stride - before, + span) of layer `from`, those that exist. */
export interface RowFeed {
  readonly from: number;
  readonly stride: number;
  readonly before: number;
  readonly span: number;
}

/** An image, in lines. One without feeds is a source: an input of the model. */
export interface RowImage {
  readonly rows: number;
  readonly feeds: readonly RowFeed[];
}

/** One row that is computed, or arrives. */
export interface RowEvent {
  readonly image: number;
  readonly row: number;
}

const firstRead = ({ stride, before }: RowFeed, row: number): number =>
  Math.max(row * stride - before, 0);

/** How many rows of the operand must exist before a row can be computed. */
const needed = (images: readonly RowImage[], feed: RowFeed, row: number): number =>
  Math.min(Math.max(row * feed.stride - feed.before + feed.span, 0), images[feed.from]!.rows);

/** Rows of sources that the first `count` rows of an image need. */
function reachOf(images: readonly RowImage[]): (image: number, count: number) => number {
  const known = new Map<string, number>();
  const reach = (image: number, count: number): number => {
    const { feeds } = images[image]!;
    if (feeds.length === 0) return count;
    const key = `${image} ${count}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const all = feeds.map((feed) => reach(feed.from, needed(images, feed, count - 1)));
    const most = Math.max(...all);
    known.set(key, most);
    return most;
  };
  return reach;
}

/**
 * The feeds of each image in the order in which they are asked: what needs the fewest rows of the
 * sources first, so that a shortcut takes its row before the layers beside it go on.
 */
export function orderFeeds(images: readonly RowImage[]): RowImage[] {
  const reach = reachOf(images);
  return images.map(({ rows, feeds }) => {
    const middle = Math.ceil(rows / 2) - 1;
    const costs = feeds.map((feed) => ({
      feed,
      cost: reach(feed.from, needed(images, feed, middle)),
    }));
    return { rows, feeds: costs.sort((a, b) => a.cost - b.cost).map(({ feed }) => feed) };
  });
}

/** The image whose next row is computed now, for the next row of the last. */
function nextImage(images: readonly RowImage[], next: readonly number[]): number {
  let image = images.length - 1;
  for (;;) {
    const lacking = images[image]!.feeds.find(
      (feed) => next[feed.from]! < needed(images, feed, next[image]!),
    );
    if (!lacking) return image;
    image = lacking.from;
  }
}

/**
 * The order of all rows.
 *
 * @param images in topological order, the result last
 * @param arrives whether the rows of a source come one by one; otherwise they are there
 */
export function scheduleRows(
  images: readonly RowImage[],
  arrives: (image: number) => boolean,
): RowEvent[] {
  const next = images.map(({ rows, feeds }, i) => (feeds.length > 0 || arrives(i) ? 0 : rows));
  const last = images.length - 1;
  const events: RowEvent[] = [];
  while (next[last]! < images[last]!.rows) {
    const image = nextImage(images, next);
    events.push({ image, row: next[image]!++ });
  }
  return events;
}

/** From each event on, the first row of every image that is still read; infinite when none is. */
function stillRead(images: readonly RowImage[], events: readonly RowEvent[]): Float64Array[] {
  const oldest = images.map(() => new Float64Array(events.length).fill(Number.POSITIVE_INFINITY));
  const now = new Float64Array(images.length).fill(Number.POSITIVE_INFINITY);
  for (let t = events.length - 1; t >= 0; t--) {
    const { image, row } = events[t]!;
    for (const feed of images[image]!.feeds) {
      if (needed(images, feed, row) <= firstRead(feed, row)) continue;
      now[feed.from] = Math.min(now[feed.from]!, firstRead(feed, row));
    }
    for (const [i, list] of oldest.entries()) list[t] = now[i]!;
  }
  return oldest;
}

/** What an order of rows takes. */
export interface RowMemory {
  /** Lines that each image keeps: when another row is computed, the oldest goes. */
  readonly lines: readonly number[];
  /**
   * How far the lines of `image` may reach into a source whose rows lie in memory from the start,
   * in bytes: source - image must be at least that.
   */
  distance(image: number, source: number): number;
}

/**
 * The memory of an order of rows.
 *
 * @param kept images of which all rows are kept
 * @param lineBytes bytes of a row of each image
 */
export function memoryOf(
  images: readonly RowImage[],
  events: readonly RowEvent[],
  kept: (image: number) => boolean,
  lineBytes: readonly number[],
): RowMemory {
  const oldest = stillRead(images, events);
  const lines = images.map(({ rows }, i) => (kept(i) ? rows : 1));
  events.forEach(({ image, row }, t) => {
    const first = Math.min(oldest[image]![t]!, row);
    lines[image] = Math.max(lines[image]!, row - first + 1);
  });
  return {
    lines,
    distance(image, source) {
      let [top, distance] = [0, Number.NEGATIVE_INFINITY];
      events.forEach((event, t) => {
        if (event.image === image)
          top = Math.max(top, Math.min(event.row + 1, lines[image]!) * lineBytes[image]!);
        // Within one call a kernel may write before it reads.
        if (top > 0) distance = Math.max(distance, top - oldest[source]![t]! * lineBytes[source]!);
      });
      return distance;
    },
  };
}
