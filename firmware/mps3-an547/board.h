/* Cortex-M55 on MPS3, in its secure state. Arm Application Note AN547,
 * https://developer.arm.com/documentation/dai0547 */
#define ENN_CLOCK_HZ 32000000u
#define ENN_UART_BASE 0x59303000u
#define ENN_UART_IRQ 33u
#define ENN_BAUD 921600u
#define ENN_MAX_PAYLOAD 1024u
#define ENN_RX_BYTES 8192u
