/* The numbers of the link protocol; README.md in this folder has the layouts. The host's copy is
 * host/link/protocol.ts, and test/link/protocol.test.ts compares the two line by line. */
#ifndef ENN_PROTOCOL_H
#define ENN_PROTOCOL_H

#define ENN_PROTOCOL_VERSION 1u

/* version, type, sequence, length; then the payload; then the CRC */
#define ENN_HEADER_BYTES 6u
#define ENN_CRC_BYTES 4u
/* A reply to the first HELLO is never longer, so any host can read it. */
#define ENN_FIRST_PAYLOAD 48u
/* Every device takes and sends at least this much, which fits the longest description. */
#define ENN_MIN_PAYLOAD 64u

/* Requests. A reply has the request's type | ENN_REPLY and its sequence number. */
#define ENN_HELLO 0x01u
#define ENN_INPUT 0x02u
#define ENN_RUN 0x03u
#define ENN_OUTPUT 0x04u
#define ENN_LAYER 0x05u
#define ENN_READ 0x06u
#define ENN_PROFILE 0x07u
#define ENN_RESET 0x08u
#define ENN_LAST_REQUEST 0x3Fu
#define ENN_REPLY 0x80u
#define ENN_EVENT_STEP 0x40u
#define ENN_ERROR 0xFFu

/* The first byte of a reply. */
#define ENN_OK 0u
#define ENN_BAD_REQUEST 1u
#define ENN_BAD_STATE 2u
#define ENN_BAD_INPUT 3u
#define ENN_UNSUPPORTED 4u

/* The first byte of an error frame. */
#define ENN_NAK 1u
#define ENN_NO_SESSION 2u
#define ENN_BAD_VERSION 3u

/* Pages of HELLO; inputs, outputs and steps follow, one a page. */
#define ENN_PAGE_IDENTITY 0u
#define ENN_PAGE_FACTS 1u
#define ENN_PAGE_TENSORS 2u

#define ENN_RUN_TRACE 1u
#define ENN_RUN_PROFILE 2u

#define ENN_RESET_STATE 0u
#define ENN_RESET_BOARD 1u

#endif
