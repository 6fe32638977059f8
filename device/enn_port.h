/* What a board provides to the runtime. No function waits, except `idle`, which sleeps.
 *
 * Ports live in firmware/. The runtime calls these from one thread of execution (`main`); a port's
 * own interrupt handlers may run at any time but never call the runtime.
 */
#ifndef ENN_PORT_H
#define ENN_PORT_H

#include <stdint.h>

/* A tick rate that says that the port has no clock; ticks are then not reported. Zero Hz says that
 * ticks count instructions. */
#define ENN_NO_CLOCK UINT32_MAX

/* Moves up to `room` received bytes to `to`; returns how many, 0 when none has arrived. */
uint32_t enn_port_read(uint8_t *to, uint32_t room);

/* Takes up to `count` bytes to send; returns how many it took, 0 when the line is busy. */
uint32_t enn_port_write(const uint8_t *from, uint32_t count);

/* Monotonic; time that `idle` sleeps need not count. */
uint64_t enn_port_ticks(void);
uint32_t enn_port_tick_hz(void);

/* Called before something is measured: begins a tick and, where the clock wraps, a period, so that
 * the same work measures the same. May do nothing. */
void enn_port_ticks_align(void);

/* Sleeps until something may have arrived; returns at once if something has. Masks interrupts,
 * checks the receive buffer again and only then waits, so that no wake-up is lost. */
void enn_port_idle(void);

/* Restarts the board. Where that is impossible it returns. */
void enn_port_reset(void);

/* The stack's size, and the most that was ever in use (it is painted at start-up); 0 if unknown. */
uint32_t enn_port_stack_bytes(void);
uint32_t enn_port_stack_used(void);

#endif
