#include "enn_device.h"

#include <string.h>

#include "enn_input.h"
#include "enn_port.h"

/* Replies are built in the frame buffer, over the request. */
static uint8_t *payload(const struct enn_device *d) { return d->config.frame + ENN_HEADER_BYTES; }

static void reply(struct enn_device *d, uint32_t type, uint32_t status, uint32_t bytes) {
  payload(d)[0] = (uint8_t)status;
  uint32_t sequence = enn_get16(d->config.frame + 2);
  enn_encode(&d->encoder, d->config.frame, (uint8_t)(type | ENN_REPLY), sequence, bytes);
}

static void refuse(struct enn_device *d, uint32_t code) {
  uint32_t sequence = enn_get16(d->config.frame + 2);
  payload(d)[0] = (uint8_t)code;
  enn_put16(payload(d) + 1, d->last + 1u);
  enn_encode(&d->encoder, d->config.frame, ENN_ERROR, sequence, 3);
}

static bool inside(uint32_t offset, uint32_t count, uint32_t size) {
  return count <= size && offset <= size - count;
}

/* ---- HELLO ---- */

static uint32_t put_text(const struct enn_device *d, uint32_t at, const ENN_CONST char *text) {
  while (*text != 0 && at < d->config.max_payload) payload(d)[at++] = (uint8_t)*text++;
  return at;
}

static uint32_t put_identity(const struct enn_device *d, uint8_t *p) {
  for (uint32_t i = 0; i < 16; i++) {
    p[7 + i] = enn_model.model_hash[i];
    p[23 + i] = enn_model.build_hash[i];
  }
  p[39] = (uint8_t)enn_model.abi;
  enn_put16(p + 40, d->config.max_payload);
  enn_put32(p + 42, d->config.rx_bytes);
  enn_put16(p + 46, ENN_PAGE_TENSORS + (uint32_t)enn_model.input_count + enn_model.output_count +
                        enn_model.step_count);
  return ENN_FIRST_PAYLOAD;
}

static uint32_t put_facts(const struct enn_device *d, uint8_t *p) {
  enn_put32(p + 7, enn_port_tick_hz());
  enn_put32(p + 11, enn_model.arena_bytes);
  enn_put32(p + 15, enn_model.state_bytes);
  enn_put16(p + 19, enn_model.input_count);
  enn_put16(p + 21, enn_model.output_count);
  enn_put16(p + 23, enn_model.step_count);
  uint32_t end = put_text(d, 26, enn_model.scheme);
  p[25] = (uint8_t)(end - 26u);
  return put_text(d, end, enn_model.name);
}

static uint32_t put_tensor(const struct enn_device *d, uint8_t *p,
                           const ENN_CONST struct enn_tensor *t) {
  p[7] = t->dtype;
  p[8] = t->rank;
  enn_put32(p + 9, t->offset);
  enn_put32(p + 13, t->bytes);
  enn_put32(p + 17, t->scale_bits);
  enn_put32(p + 21, (uint32_t)t->zero_point);
  for (uint32_t i = 0; i < t->rank; i++) enn_put32(p + 25 + 4 * i, t->shape[i]);
  return put_text(d, 25u + 4u * t->rank, t->name);
}

static uint32_t put_step(const struct enn_device *d, uint8_t *p,
                         const ENN_CONST struct enn_step *step) {
  enn_put32(p + 7, step->offset);
  enn_put32(p + 11, step->bytes);
  enn_put32(p + 15, step->macs);
  return put_text(d, 19, step->value);
}

/* Returns the payload's size, or 0 when there is no such page. */
static uint32_t put_page(const struct enn_device *d, uint8_t *p, uint32_t page) {
  if (page == ENN_PAGE_IDENTITY) return put_identity(d, p);
  if (page == ENN_PAGE_FACTS) return put_facts(d, p);
  page -= ENN_PAGE_TENSORS;
  if (page < enn_model.input_count) return put_tensor(d, p, &enn_model.inputs[page]);
  page -= enn_model.input_count;
  if (page < enn_model.output_count) return put_tensor(d, p, &enn_model.outputs[page]);
  page -= enn_model.output_count;
  if (page < enn_model.step_count) return put_step(d, p, &enn_model.steps[page]);
  return 0;
}

/* Nonce and page of the request stay where they are, at 0, and move behind the status. */
static void hello(struct enn_device *d, uint32_t length) {
  uint8_t *p = payload(d);
  uint32_t page = length == 6 ? enn_get16(p + 4) : UINT16_MAX;
  uint32_t nonce = length == 6 ? enn_get32(p) : 0;
  enn_put32(p + 1, nonce);
  enn_put16(p + 5, page);
  uint32_t bytes = put_page(d, p, page);
  reply(d, ENN_HELLO, bytes > 0 ? ENN_OK : ENN_BAD_REQUEST, bytes > 0 ? bytes : 7);
}

/* A repeated HELLO, whose first reply was lost, has the session's nonce and changes nothing. */
static void open_session(struct enn_device *d) {
  uint32_t nonce = enn_get32(payload(d));
  if (d->session && d->nonce == nonce) return;
  d->session = true;
  d->nonce = nonce;
  d->last = 0;
  d->last_type = ENN_HELLO;
  d->writer = 0;
  d->next = UINT32_MAX;
  d->traced = 0;
  enn_input_drop(d);
}

/* ---- measuring ---- */

/* Lets the clock stand the same whenever a run is measured, and learns what reading it takes. */
static void prepare_profile(struct enn_device *d) {
  enn_port_ticks_align();
  uint64_t start = enn_port_ticks();
  d->reading_ticks = (uint32_t)(enn_port_ticks() - start);
}

static uint64_t without_reading(const struct enn_device *d, uint64_t ticks) {
  return ticks > d->reading_ticks ? ticks - d->reading_ticks : 0;
}

/* ---- requests that change something: their status is stored ---- */

static uint32_t input(struct enn_device *d, uint32_t sequence, uint32_t length) {
  const uint8_t *p = payload(d);
  d->writer = (uint16_t)sequence;
  d->next = 0;
  d->traced = 0;
  if (length < 5 || p[0] >= enn_model.input_count) return ENN_BAD_REQUEST;
  const ENN_CONST struct enn_tensor *t = &enn_model.inputs[p[0]];
  uint32_t offset = enn_get32(p + 1);
  if (!inside(offset, length - 5, t->bytes)) return ENN_BAD_REQUEST;
  if (enn_input_begins(offset)) prepare_profile(d);
  return enn_input_take(d, t, offset, p + 5, length - 5) ? ENN_OK : ENN_BAD_STATE;
}

/* Accepts or refuses; the steps themselves run in later polls. A refused run leaves no outputs that
 * could be taken for its own. */
static uint32_t start_run(struct enn_device *d, uint32_t sequence, uint32_t length) {
  const uint8_t *p = payload(d);
  uint32_t ready = d->next;
  d->writer = (uint16_t)sequence;
  d->next = UINT32_MAX;
  if (length != 9) return ENN_BAD_REQUEST;
  uint32_t first = enn_get16(p), last = enn_get16(p + 2);
  /* A model that only reshapes has no step to run. */
  if (first >= last && enn_model.step_count != 0) return ENN_BAD_REQUEST;
  if (last > enn_model.step_count) return ENN_BAD_REQUEST;
  if (first == 0 && !enn_input_is(d, enn_get32(p + 5))) return ENN_BAD_INPUT;
  if (first != 0 && first != ready) return ENN_BAD_STATE;
  if (first == 0) d->traced = 0;
  enn_input_drop(d);
  d->next = first;
  d->run_last = last;
  d->run_flags = p[4];
  d->running = true;
  return ENN_OK;
}

static uint32_t reset(struct enn_device *d, uint32_t length) {
  if (length != 1 || payload(d)[0] > ENN_RESET_BOARD) return ENN_BAD_REQUEST;
  d->next = UINT32_MAX;
  if (payload(d)[0] == ENN_RESET_BOARD) {
    d->restart = true;
  } else {
    enn_model_reset(d->config.state);
  }
  return ENN_OK;
}

static void finish(struct enn_device *d, uint32_t type, uint32_t status) {
  d->last_status = (uint8_t)status;
  reply(d, type, status, 1);
}

static void change(struct enn_device *d, uint32_t type, uint32_t sequence, uint32_t length) {
  uint32_t status = ENN_OK;
  if (type == ENN_INPUT) status = input(d, sequence, length);
  if (type == ENN_RUN) status = start_run(d, sequence, length);
  if (type == ENN_RESET) status = reset(d, length);
  if (!d->running && !enn_input_feeding(d)) finish(d, type, status);
}

/* ---- requests that only read: they may be executed again ---- */

static bool traced_now(const struct enn_device *d) { return (d->run_flags & ENN_RUN_TRACE) != 0; }

static uint32_t step_crc(const struct enn_device *d, uint32_t step) {
  const ENN_CONST struct enn_step *s = &enn_model.steps[step];
  return enn_crc32(0, d->config.arena + s->offset, s->bytes);
}

static uint32_t output(struct enn_device *d, uint32_t length, uint32_t *bytes) {
  uint8_t *p = payload(d);
  if (length != 7 || p[0] >= enn_model.output_count) return ENN_BAD_REQUEST;
  if (d->next != enn_model.step_count) return ENN_BAD_STATE;
  const ENN_CONST struct enn_tensor *t = &enn_model.outputs[p[0]];
  uint32_t offset = enn_get32(p + 1), count = enn_get16(p + 5);
  if (count > d->config.max_payload - 3u || !inside(offset, count, t->bytes)) return ENN_BAD_REQUEST;
  memcpy(p + 3, d->config.arena + t->offset + offset, count);
  *bytes = 3 + count;
  return ENN_OK;
}

static uint32_t layer(struct enn_device *d, uint32_t length, uint32_t *bytes) {
  uint8_t *p = payload(d);
  uint32_t step = length == 2 ? enn_get16(p) : UINT16_MAX;
  if (step >= enn_model.step_count) return ENN_BAD_REQUEST;
  if (step + 1u == d->next) {
    enn_put32(p + 3, step_crc(d, step));
  } else if (step < d->traced) {
    enn_put32(p + 3, d->config.step_crc[step]);
  } else {
    return ENN_BAD_STATE;
  }
  *bytes = 7;
  return ENN_OK;
}

static uint32_t read_arena(struct enn_device *d, uint32_t length, uint32_t *bytes) {
  uint8_t *p = payload(d);
  if (length != 6) return ENN_BAD_REQUEST;
  uint32_t offset = enn_get32(p), count = enn_get16(p + 4);
  if (count > d->config.max_payload - 3u) return ENN_BAD_REQUEST;
  if (!inside(offset, count, enn_model.arena_bytes)) return ENN_BAD_REQUEST;
  memcpy(p + 3, d->config.arena + offset, count);
  *bytes = 3 + count;
  return ENN_OK;
}

static uint32_t profile(struct enn_device *d, uint32_t length, uint32_t *bytes) {
  uint8_t *p = payload(d);
  uint32_t step = length == 2 ? enn_get16(p) : UINT16_MAX;
  if (step > enn_model.step_count) return ENN_BAD_REQUEST;
  enn_put32(p + 3, enn_port_stack_bytes());
  enn_put32(p + 7, enn_port_stack_used());
  uint32_t at = 11;
  for (; step < enn_model.step_count && at + 8u <= d->config.max_payload; step++, at += 8)
    enn_put64(p + at, d->config.step_ticks[step]);
  *bytes = at;
  return ENN_OK;
}

static void answer(struct enn_device *d, uint32_t type, uint32_t length) {
  uint32_t bytes = 3;
  uint32_t status = ENN_UNSUPPORTED;
  if (type == ENN_HELLO) {
    hello(d, length);
    return;
  }
  if (type == ENN_OUTPUT) status = output(d, length, &bytes);
  if (type == ENN_LAYER) status = layer(d, length, &bytes);
  if (type == ENN_READ) status = read_arena(d, length, &bytes);
  if (type == ENN_PROFILE) status = profile(d, length, &bytes);
  enn_put16(payload(d) + 1, d->writer);
  reply(d, type, status, bytes);
}

/* ---- the state machine ---- */

static bool changes(uint32_t type) {
  return type == ENN_INPUT || type == ENN_RUN || type == ENN_RESET;
}

static bool opens_session(const struct enn_device *d, uint32_t type, uint32_t length) {
  return type == ENN_HELLO && length == 6 && enn_get16(payload(d) + 4) == ENN_PAGE_IDENTITY;
}

/* Executes the request after the last one; repeats the last one's result; refuses any other. */
static void handle(struct enn_device *d) {
  const uint8_t *frame = d->config.frame;
  uint32_t type = frame[1], sequence = enn_get16(frame + 2), length = enn_get16(frame + 4);
  if (type == 0 || type > ENN_LAST_REQUEST) return;
  if (frame[0] != ENN_PROTOCOL_VERSION) {
    refuse(d, ENN_BAD_VERSION);
  } else if (opens_session(d, type, length)) {
    open_session(d);
    hello(d, length);
  } else if (!d->session) {
    refuse(d, ENN_NO_SESSION);
  } else if (sequence == ((d->last + 1u) & 0xFFFFu)) {
    d->last = (uint16_t)sequence;
    d->last_type = (uint8_t)type;
    if (changes(type)) {
      change(d, type, sequence, length);
    } else {
      answer(d, type, length);
    }
  } else if (sequence == d->last && type == d->last_type) {
    if (changes(type)) {
      reply(d, type, d->last_status, 1);
    } else {
      answer(d, type, length);
    }
  } else {
    refuse(d, ENN_NAK);
  }
}

/* One step of a run, or the reply after the last. The frame buffer is free: no request is read
 * while a run is in progress. */
static void run(struct enn_device *d) {
  uint32_t step = d->next;
  if (step == d->run_last) {
    d->running = false;
    enn_put16(d->config.frame + 2, d->writer);
    finish(d, ENN_RUN, ENN_OK);
    return;
  }
  if ((d->run_flags & ENN_RUN_PROFILE) != 0) prepare_profile(d);
  uint64_t start = enn_port_ticks();
  enn_model_run(d->config.arena, d->config.state, step, step + 1u);
  if ((d->run_flags & ENN_RUN_PROFILE) != 0)
    d->config.step_ticks[step] = without_reading(d, enn_port_ticks() - start) +
                                 (step == 0 ? enn_input_ticks(d) : 0);
  d->next = step + 1u;
  if (!traced_now(d)) return;
  uint32_t crc = step_crc(d, step);
  d->config.step_crc[step] = crc;
  if (d->traced == step) d->traced = step + 1u;
  enn_put16(payload(d), step);
  enn_put32(payload(d) + 2, crc);
  enn_encode(&d->encoder, d->config.frame, ENN_EVENT_STEP, d->writer, 6);
}

/* Sends what the port takes. True when everything is on its way. */
static bool drain(struct enn_device *d) {
  for (;;) {
    if (d->out_at == d->out_count) {
      d->out_at = 0;
      d->out_count =
          (uint8_t)enn_encode_next(&d->encoder, d->config.frame, d->out, sizeof d->out);
      if (d->out_count == 0) return true;
    }
    uint32_t taken = enn_port_write(d->out + d->out_at, (uint32_t)(d->out_count - d->out_at));
    if (taken == 0) return false;
    d->out_at = (uint8_t)(d->out_at + taken);
  }
}

/* Receives until a request is complete, and answers it. False when no byte was there. */
static bool receive(struct enn_device *d) {
  if (d->in_at == d->in_count) {
    d->in_at = 0;
    d->in_count = (uint8_t)enn_port_read(d->in, sizeof d->in);
    if (d->in_count == 0) return false;
  }
  uint32_t room = ENN_FRAME_BYTES(d->config.max_payload);
  while (d->in_at < d->in_count) {
    if (!enn_decode(&d->decoder, d->config.frame, room, d->in[d->in_at++])) continue;
    handle(d);
    break;
  }
  return true;
}

void enn_device_init(struct enn_device *d, const struct enn_config *config) {
  *d = (struct enn_device){.config = *config};
  d->next = UINT32_MAX;
  for (uint32_t i = 0; i < enn_model.step_count; i++) config->step_ticks[i] = 0;
  enn_model_reset(d->config.state);
}

bool enn_poll(struct enn_device *d) {
  if (!drain(d)) return true;
  if (d->restart) {
    enn_port_reset();
    struct enn_config config = d->config; /* still here: a port without a reset */
    enn_device_init(d, &config);
    return true;
  }
  if (enn_input_feeding(d)) {
    if (enn_input_feed(d)) finish(d, ENN_INPUT, ENN_OK);
    return true;
  }
  if (!d->running) return receive(d);
  run(d);
  return true;
}
