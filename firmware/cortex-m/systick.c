/* Ticks from SysTick, 24 bits wide, extended to 64 by its interrupt. It stands still while the core
 * sleeps: its interrupt would wake the core for nothing. */
#include "cortex_m.h"
#include "enn_port.h"

#define SYST_CSR 0xE000E010u
#define SYST_RVR 0xE000E014u
#define SYST_CVR 0xE000E018u
#define ICSR 0xE000ED04u
#define CSR_CORE_CLOCK_AND_IRQ 6u
#define CSR_ENABLE 1u
#define ICSR_PENDSTSET (1u << 26)
#define PERIOD 0x1000000u

static volatile uint32_t wraps;

void enn_systick_irq(void) { wraps++; }

void enn_ticks_pause(void) { *enn_register(SYST_CSR) = CSR_CORE_CLOCK_AND_IRQ; }

void enn_ticks_resume(void) {
  *enn_register(SYST_RVR) = PERIOD - 1u;
  *enn_register(SYST_CSR) = CSR_CORE_CLOCK_AND_IRQ | CSR_ENABLE;
}

uint32_t enn_port_tick_hz(void) { return ENN_CLOCK_HZ; }

/* Writing the counter makes it reload at the next tick. The period that is cut short counts whole, so
 * that ticks never go back. */
void enn_port_ticks_align(void) {
  __asm__ volatile("cpsid i" ::: "memory");
  *enn_register(SYST_CVR) = 0;
  wraps++;
  while (*enn_register(SYST_CVR) == 0) {
  }
  __asm__ volatile("cpsie i" ::: "memory");
}

/* Read again when the interrupt came between the two halves. */
uint64_t enn_port_ticks(void) {
  for (;;) {
    uint32_t before = wraps;
    uint32_t down = *enn_register(SYST_CVR);
    uint32_t pending = *enn_register(ICSR) & ICSR_PENDSTSET;
    if (pending != 0 || before != wraps) continue;
    return (uint64_t)before * PERIOD + (PERIOD - 1u - down);
  }
}
