/* BBC micro:bit v1: nRF51822, Cortex-M0, 16 KB of RAM. https://tech.microbit.org/hardware/1-5-revision */
#define ENN_CLOCK_HZ 16000000u
#define ENN_UART_IRQ 2u
#define ENN_PIN_TX 24u
#define ENN_PIN_RX 25u
#define ENN_MAX_PAYLOAD 128u
#define ENN_RX_BYTES 256u
