/* The static memory of a firmware, sized by the model and the board. */
#include "board.h"
#include "firmware.h"
#include "model.h"

_Static_assert(ENN_MAX_PAYLOAD >= ENN_MIN_PAYLOAD, "a description must fit one frame");
_Static_assert(ENN_RX_BYTES >= ENN_ENCODED_BYTES(ENN_MAX_PAYLOAD), "a frame must fit the buffer");

/* One more than needed, because C has no empty arrays. */
static _Alignas(ENN_ARENA_ALIGN) uint8_t arena[ENN_ARENA_BYTES];
static _Alignas(8) uint8_t state[ENN_STATE_BYTES + 1];
static _Alignas(4) uint8_t frame[ENN_FRAME_BYTES(ENN_MAX_PAYLOAD)];
static uint32_t step_crc[ENN_STEPS + 1];
static uint64_t step_ticks[ENN_STEPS + 1];
static struct enn_device device;

struct enn_device *enn_firmware_init(void) {
  enn_device_init(&device, &(struct enn_config){
                               .arena = arena,
                               .state = state,
                               .frame = frame,
                               .max_payload = ENN_MAX_PAYLOAD,
                               .rx_bytes = ENN_RX_BYTES,
                               .step_crc = step_crc,
                               .step_ticks = step_ticks,
                           });
  return &device;
}
