/**
 * Kernels for Helium (kernels/c/enn_s8_*_mve.h), the vectors of Armv8.1-M; those of Armv7E-M, which
 * such cores run too, where it has none.
 */
import type { Choices } from './select-choice.js';
import { dspKernels } from './select-dsp.js';

/** The kernels for Armv8.1-M with Helium. */
export const mveKernels: Choices = { ...dspKernels };
