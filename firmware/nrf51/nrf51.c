/* UART and TIMER0 of Nordic's nRF51. nRF51 Series Reference Manual 3.0,
 * https://infocenter.nordicsemi.com/pdf/nRF51_RM_v3.0.pdf */
#include "cortex_m.h"
#include "enn_port.h"
#include "firmware.h"

#define UART 0x40002000u
#define UART_STARTRX (UART + 0x000u)
#define UART_STARTTX (UART + 0x008u)
#define UART_RXDRDY (UART + 0x108u)
#define UART_TXDRDY (UART + 0x11Cu)
#define UART_INTENSET (UART + 0x304u)
#define UART_ENABLE (UART + 0x500u)
#define UART_PSELTXD (UART + 0x50Cu)
#define UART_PSELRXD (UART + 0x514u)
#define UART_RXD (UART + 0x518u)
#define UART_TXD (UART + 0x51Cu)
#define UART_BAUDRATE (UART + 0x524u)
#define UART_INT_RXDRDY (1u << 2)
#define UART_ON 4u
#define BAUD_115200 0x01D7E000u

#define TIMER0 0x40008000u
#define TIMER_START (TIMER0 + 0x000u)
#define TIMER_CAPTURE0 (TIMER0 + 0x040u)
#define TIMER_BITMODE (TIMER0 + 0x508u)
#define TIMER_PRESCALER (TIMER0 + 0x510u)
#define TIMER_CC0 (TIMER0 + 0x540u)
#define BITMODE_32 3u

static bool sending;
static uint64_t ticks;

void enn_board_init(void) {
  *enn_register(UART_PSELTXD) = ENN_PIN_TX;
  *enn_register(UART_PSELRXD) = ENN_PIN_RX;
  *enn_register(UART_BAUDRATE) = BAUD_115200;
  *enn_register(UART_ENABLE) = UART_ON;
  *enn_register(UART_INTENSET) = UART_INT_RXDRDY;
  *enn_register(UART_STARTRX) = 1;
  *enn_register(UART_STARTTX) = 1;
  enn_irq_enable(ENN_UART_IRQ);
  *enn_register(TIMER_BITMODE) = BITMODE_32;
  *enn_register(TIMER_PRESCALER) = 0;
  *enn_register(TIMER_START) = 1;
}

/* The event is cleared before the byte is read: the next byte in the FIFO raises it again. */
void enn_uart_irq(void) {
  while (*enn_register(UART_RXDRDY) != 0) {
    *enn_register(UART_RXDRDY) = 0;
    enn_ring_put(&enn_rx, (uint8_t)*enn_register(UART_RXD));
  }
}

uint32_t enn_port_write(const uint8_t *from, uint32_t count) {
  if (count == 0) return 0;
  if (sending && *enn_register(UART_TXDRDY) == 0) return 0;
  *enn_register(UART_TXDRDY) = 0;
  *enn_register(UART_TXD) = from[0];
  sending = true;
  return 1;
}

uint32_t enn_port_tick_hz(void) { return ENN_CLOCK_HZ; }

/* TIMER0 has 32 bits and wraps after 268 s; a step never takes that long. */
uint64_t enn_port_ticks(void) {
  *enn_register(TIMER_CAPTURE0) = 1;
  uint32_t now = *enn_register(TIMER_CC0);
  ticks += (uint32_t)(now - (uint32_t)ticks);
  return ticks;
}

void enn_port_ticks_align(void) {}

void enn_ticks_pause(void) {}

void enn_ticks_resume(void) {}
