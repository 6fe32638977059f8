/* The UART of Arm's MPS2 and MPS3 FPGA images: no FIFO, one byte each way.
 * Cortex-M System Design Kit TRM, https://developer.arm.com/documentation/ddi0479 */
#include "cortex_m.h"
#include "enn_port.h"
#include "firmware.h"

#define DATA (ENN_UART_BASE + 0x00u)
#define STATE (ENN_UART_BASE + 0x04u)
#define CTRL (ENN_UART_BASE + 0x08u)
#define INTCLEAR (ENN_UART_BASE + 0x0Cu)
#define BAUDDIV (ENN_UART_BASE + 0x10u)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX 1u
#define CTRL_RX 2u
#define CTRL_RX_IRQ 8u
#define INT_RX 2u

void enn_board_init(void) {
  *enn_register(BAUDDIV) = ENN_CLOCK_HZ / ENN_BAUD;
  *enn_register(CTRL) = CTRL_TX | CTRL_RX | CTRL_RX_IRQ;
  enn_irq_enable(ENN_UART_IRQ);
  enn_ticks_resume();
}

void enn_uart_irq(void) {
  *enn_register(INTCLEAR) = INT_RX;
  while ((*enn_register(STATE) & STATE_RX_FULL) != 0)
    enn_ring_put(&enn_rx, (uint8_t)*enn_register(DATA));
}

uint32_t enn_port_write(const uint8_t *from, uint32_t count) {
  uint32_t sent = 0;
  while (sent < count && (*enn_register(STATE) & STATE_TX_FULL) == 0)
    *enn_register(DATA) = from[sent++];
  return sent;
}
