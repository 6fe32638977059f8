/* The device as WebAssembly inside the host. Tests build it with smaller buffers. */
#ifndef ENN_MAX_PAYLOAD
#define ENN_MAX_PAYLOAD 8192u
#endif
#ifndef ENN_RX_BYTES
#define ENN_RX_BYTES 65536u
#endif
#define ENN_TX_BYTES 65536u
