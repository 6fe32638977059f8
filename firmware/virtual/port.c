/* The device as a WebAssembly module that imports nothing; host/link/wasm-device.ts drives it.
 *
 * The host copies bytes to the address of enn_virtual_stage() and pushes them, polls until there is
 * nothing to do, and pulls what the device sent from the address of enn_virtual_sent(). */
#include <string.h>

#include "board.h"
#include "enn_port.h"
#include "firmware.h"
#include "ring.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

static struct enn_device *device;
static struct enn_ring rx;
static uint8_t stage[4096];
static uint8_t sent[ENN_TX_BYTES];
static uint32_t sent_count;

void enn_board_init(void) {}

void EXPORT(enn_virtual_start)(void) { device = enn_firmware_init(); }

uint8_t *EXPORT(enn_virtual_stage)(void) { return stage; }

uint32_t EXPORT(enn_virtual_stage_bytes)(void) { return sizeof stage; }

void EXPORT(enn_virtual_push)(uint32_t count) {
  for (uint32_t i = 0; i < count && i < sizeof stage; i++) enn_ring_put(&rx, stage[i]);
}

int EXPORT(enn_virtual_poll)(void) { return enn_poll(device); }

uint8_t *EXPORT(enn_virtual_sent)(void) { return sent; }

/* How many bytes lie at enn_virtual_sent(); they must be read before the next poll. */
uint32_t EXPORT(enn_virtual_pull)(void) {
  uint32_t count = sent_count;
  sent_count = 0;
  return count;
}

uint32_t enn_port_read(uint8_t *to, uint32_t room) { return enn_ring_get(&rx, to, room); }

uint32_t enn_port_write(const uint8_t *from, uint32_t count) {
  if (count > sizeof sent - sent_count) count = (uint32_t)sizeof sent - sent_count;
  memcpy(sent + sent_count, from, count);
  sent_count += count;
  return count;
}

uint32_t enn_port_tick_hz(void) { return ENN_NO_CLOCK; }

uint64_t enn_port_ticks(void) { return 0; }

void enn_port_ticks_align(void) {}

void enn_port_idle(void) {}

void enn_port_reset(void) {}

uint32_t enn_port_stack_bytes(void) { return 0; }

uint32_t enn_port_stack_used(void) { return 0; }
