/* What the parts of a firmware share. A board is a folder with `board.h` (sizes, addresses) and, on
 * bare metal, `link.ld`; drivers are shared by family. */
#ifndef ENN_FIRMWARE_H
#define ENN_FIRMWARE_H

#include "enn_device.h"

/* Clocks, pins and UART; called once, before anything else. */
void enn_board_init(void);

/* The device in its static memory, ready to be polled. */
struct enn_device *enn_firmware_init(void);

#endif
