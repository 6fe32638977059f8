/* A process on a pipe or PTY. */
#define ENN_MAX_PAYLOAD 4096u
#define ENN_RX_BYTES 65536u
