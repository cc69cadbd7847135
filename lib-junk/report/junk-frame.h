#ifndef JUNK_FRAME_H
#define JUNK_FRAME_H

#include "junk-report.h"

/* The protocol of the service's socket, and the format of the spool (a spool
   file is a sequence of report frames). All integers are little-endian.

   frame:
     0  u32  payload bytes, at most JUNK_MAX_FRAME_BYTES
     4  u8   protocol version (JUNK_FRAME_VERSION)
     5  u8   type
     6  u16  0
     8  payload

   client -> service:
     REPORT  u64 stamp_usecs, u8 verdict, u8 origin, u16 feature_set,
             u32 size_bytes, 16 reporter, 16 digest, u16 0, u16 token_count,
             u64 * token_count
     STATUS  empty
   from root only, answered by TEXT:
     LOOKUP  u64 * token, at most JUNK_MAX_LOOKUP_TOKENS: "N=class spam ham
             reporters hash" for the N-th token that enough people have
             reported; hash: 16 digits, as the database has it
     FORGET  u64 since, u64 until (seconds since 1970; hours count as a whole;
             until 0 = no end), 16 reporter, u8 origin (0 = any), u8 flags
             (1 = all of those reporters that exceeded their limit, 2 = this
             reporter only, else reporter is 0, 4 = only count them), u16 0:
             take reports back
     REBUILD empty: learn anew from the reports that are kept
     REKEY   empty: begin a new database with a new key
     CLUSTER_INIT  empty: create a cluster's log in its database

   service -> client:
     ACK     u32 n: the next n reports of this connection are durable (or
             were refused for good, which the service counts and says itself)
     TEXT    answer to STATUS: lines "key=value\n", UTF-8
     ERROR   UTF-8 text; the service closes the connection after it
 */

#define JUNK_FRAME_VERSION 1
#define JUNK_FRAME_HEADER_BYTES 8
#define JUNK_FRAME_REPORT_BYTES 52
#define JUNK_FRAME_FORGET_BYTES 36

enum junk_frame_type {
	JUNK_FRAME_REPORT = 1,
	JUNK_FRAME_STATUS = 2,
	JUNK_FRAME_LOOKUP = 3,
	JUNK_FRAME_FORGET = 4,
	JUNK_FRAME_REBUILD = 5,
	JUNK_FRAME_REKEY = 6,
	JUNK_FRAME_CLUSTER_INIT = 7,
	JUNK_FRAME_ACK = 0x81,
	JUNK_FRAME_TEXT = 0x82,
	JUNK_FRAME_ERROR = 0x8f,
};

/* The reports that a FORGET frame takes back. */
struct junk_forget {
	/* seconds since 1970; whole hours count. until 0 = no end */
	uint64_t since, until;
	/* 0 = any */
	enum junk_origin origin;
	/* all reports of reporters that exceeded their limit since then */
	bool burst;
	/* take none back, only count them */
	bool dry_run;
	/* only this reporter; NULL = all. After decoding it points into the
	   frame */
	const unsigned char *reporter;
};

struct junk_frame {
	uint8_t type;
	/* points into the decoded data */
	const unsigned char *payload;
	size_t payload_size;
};

/* Decode a frame. Returns 1 and the frame's total size if data begins with a
   whole frame, 0 if more data is needed, -1 and error_r if the data can't
   become a valid frame. */
int junk_frame_decode(const unsigned char *data, size_t size,
		      struct junk_frame *frame_r, size_t *frame_size_r,
		      const char **error_r);
/* Decode a REPORT payload. The tokens are allocated from the data stack.
   Returns 0, or -1 and error_r if a field is out of range. */
int junk_frame_decode_report(const struct junk_frame *frame,
			     struct junk_report *report_r,
			     const char **error_r);
/* Returns the size of the report frame at the beginning of data, 0 if there is
   no whole one. The time doesn't depend on its size: tokens aren't checked, so
   decoding it may fail. */
size_t junk_frame_report_size(const unsigned char *data, size_t size);
int junk_frame_decode_forget(const struct junk_frame *frame,
			     struct junk_forget *forget_r,
			     const char **error_r);
/* Decode a LOOKUP payload. *tokens_r is allocated from the data stack. */
int junk_frame_decode_lookup(const struct junk_frame *frame,
			     const junk_token_t **tokens_r,
			     unsigned int *count_r, const char **error_r);
int junk_frame_decode_ack(const struct junk_frame *frame, uint32_t *count_r,
			  const char **error_r);

void junk_frame_encode(buffer_t *dest, enum junk_frame_type type,
		       const void *payload, size_t payload_size);
void junk_frame_encode_report(buffer_t *dest, const struct junk_report *report);
void junk_frame_encode_forget(buffer_t *dest,
			      const struct junk_forget *forget);
void junk_frame_encode_lookup(buffer_t *dest, const junk_token_t *tokens,
			      unsigned int count);
void junk_frame_encode_ack(buffer_t *dest, uint32_t count);

#endif
