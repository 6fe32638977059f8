/** What families of image networks can be scaled by. */
export interface Size {
  /** Height and width of the image; default 224. */
  readonly image?: number;
  /** Default 1000. */
  readonly classes?: number;
  /** Every number of channels is divided by this; default 1. */
  readonly thinner?: number;
}
