/* Cortex-M4F on MPS2. Arm Application Note AN386, https://developer.arm.com/documentation/dai0386 */
#define ENN_CLOCK_HZ 25000000u
#define ENN_UART_BASE 0x40004000u
#define ENN_UART_IRQ 0u
#define ENN_BAUD 921600u
#define ENN_MAX_PAYLOAD 1024u
#define ENN_RX_BYTES 8192u
