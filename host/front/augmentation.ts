/** Small random changes of training inputs, which a model file or `--augment` asks for. */
export interface Augmentation {
  /** Moves an image by at most so many pixels, or [rows, columns]; what comes in is 0. */
  readonly shift?: number | readonly [number, number];
  /** Exchanges left and right of every second image. */
  readonly flip?: boolean;
  /** Standard deviation of normal noise, in the units of the input (pixels are 0 to 1). */
  readonly noise?: number;
  /** Side of a square of zeros around a random pixel. */
  readonly cutout?: number;
}
