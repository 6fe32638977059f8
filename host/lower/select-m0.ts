/**
 * Kernels for Armv6-M (kernels/c/enn_s8_*_m0.h): Cortex-M0 and M0+.
 */
import type { Choices } from './select-choice.js';

/** The kernels for Armv6-M. */
export const m0Kernels: Choices = {};
