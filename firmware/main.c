#include "enn_port.h"
#include "firmware.h"

int main(void) {
  enn_board_init();
  struct enn_device *device = enn_firmware_init();
  for (;;)
    if (!enn_poll(device)) enn_port_idle();
}
