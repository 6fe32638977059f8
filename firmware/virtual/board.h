/* The device as WebAssembly inside the host. */
#define ENN_MAX_PAYLOAD 8192u
#define ENN_RX_BYTES 65536u
#define ENN_TX_BYTES 65536u
