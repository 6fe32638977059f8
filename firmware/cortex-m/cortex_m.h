/* What the drivers of a Cortex-M firmware share. Registers: Armv6-M, Armv7-M and Armv8-M
 * Architecture Reference Manuals, https://developer.arm.com/documentation/ddi0403 */
#ifndef ENN_CORTEX_M_H
#define ENN_CORTEX_M_H

#include <stdint.h>

#include "ring.h"

static inline volatile uint32_t *enn_register(uint32_t address) {
  return (volatile uint32_t *)(uintptr_t)address;
}

/* Filled by the UART's receive interrupt. */
extern struct enn_ring enn_rx;

/* The handlers in the vector table. */
void enn_uart_irq(void);
void enn_systick_irq(void);

void enn_irq_enable(uint32_t irq);

/* A port's clock need not count while the core sleeps. */
void enn_ticks_pause(void);
void enn_ticks_resume(void);

#endif
