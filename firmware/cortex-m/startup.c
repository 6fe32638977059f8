/* Vector table, reset, stack painting, sleep: the same on every Cortex-M. */
#include "cortex_m.h"
#include "enn_port.h"

#define CPACR 0xE000ED88u
#define NVIC_ISER 0xE000E100u
#define AIRCR 0xE000ED0Cu
#define AIRCR_RESET 0x05FA0004u
#define PAINT 0xE27A51C6u

/* From sections.ld. */
extern uint32_t enn_data_load[], enn_data_start[], enn_data_end[];
extern uint32_t enn_bss_start[], enn_bss_end[];
extern uint32_t enn_stack_bottom[], enn_stack_top[];

int main(void);

struct enn_ring enn_rx;

static void paint_stack(void) {
  volatile uint32_t *word = enn_stack_bottom;
  /* This function's own frame, and what its caller saved, lie above. */
  uintptr_t end = (uintptr_t)__builtin_frame_address(0) - 64u;
  while ((uintptr_t)word < end) *word++ = PAINT;
}

__attribute__((noreturn, used)) void enn_start(void) {
  paint_stack();
  volatile uint32_t *to = enn_data_start;
  for (const uint32_t *from = enn_data_load; (uintptr_t)to < (uintptr_t)enn_data_end;)
    *to++ = *from++;
  for (to = enn_bss_start; (uintptr_t)to < (uintptr_t)enn_bss_end;) *to++ = 0;
  main();
  for (;;) enn_port_reset();
}

/* Naked, because compiled code may use floating-point or vector registers, which are off at reset. */
__attribute__((naked, noreturn, used)) static void reset_handler(void) {
#ifdef __ARM_FP
  __asm__ volatile(
      "ldr r0, =%c0\n ldr r1, [r0]\n orr r1, r1, #0xF00000\n str r1, [r0]\n dsb\n isb\n"
      "b enn_start\n" ::"i"(CPACR));
#else
  __asm__ volatile("ldr r0, =enn_start\n bx r0\n");
#endif
}

/* A fault, stack overflow included (the stack ends where RAM begins), restarts the board; the host
 * then sees a device without a session instead of silence. */
static void fault_handler(void) { enn_port_reset(); }

__attribute__((weak)) void enn_systick_irq(void) { enn_port_reset(); }

typedef void (*handler)(void);

struct vectors {
  uint32_t *stack;
  handler system[15];
  handler irq[ENN_UART_IRQ + 1];
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    .stack = enn_stack_top,
    .system = {[0] = reset_handler,
               [1] = fault_handler,
               [2] = fault_handler,
               [3] = fault_handler,
               [4] = fault_handler,
               [5] = fault_handler,
               [6] = fault_handler,
               [14] = enn_systick_irq},
    .irq = {[ENN_UART_IRQ] = enn_uart_irq},
};

void enn_irq_enable(uint32_t irq) { enn_register(NVIC_ISER)[irq / 32u] = 1u << irq % 32u; }

uint32_t enn_port_read(uint8_t *to, uint32_t room) { return enn_ring_get(&enn_rx, to, room); }

/* With interrupts masked, one that arrives after the check still ends the wait. */
void enn_port_idle(void) {
  __asm__ volatile("cpsid i" ::: "memory");
  if (enn_ring_empty(&enn_rx)) {
    enn_ticks_pause();
    __asm__ volatile("dsb\n wfi" ::: "memory");
    enn_ticks_resume();
  }
  __asm__ volatile("cpsie i" ::: "memory");
}

void enn_port_reset(void) {
  __asm__ volatile("dsb" ::: "memory");
  *enn_register(AIRCR) = AIRCR_RESET;
  for (;;) __asm__ volatile("dsb" ::: "memory");
}

uint32_t enn_port_stack_bytes(void) {
  return (uint32_t)((uintptr_t)enn_stack_top - (uintptr_t)enn_stack_bottom);
}

uint32_t enn_port_stack_used(void) {
  const volatile uint32_t *word = enn_stack_bottom;
  while (*word == PAINT) word++;
  return (uint32_t)((uintptr_t)enn_stack_top - (uintptr_t)word);
}
